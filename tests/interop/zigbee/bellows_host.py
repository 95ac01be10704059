"""What the scripts with bellows as a host share."""
import asyncio


def expect(what, holds):
    assert holds, f"not so: {what}"


class Arrivals:
    """Devices that are in, and asked who they are."""

    def __init__(self, app):
        self.queue = asyncio.Queue()
        app.add_listener(self)

    def device_initialized(self, device):
        if device.nwk != 0:
            self.queue.put_nowait(device)

    async def next(self):
        return await asyncio.wait_for(self.queue.get(), 30)
