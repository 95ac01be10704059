#!/usr/bin/env python3
"""bellows and zigpy as the host of a stick that is not theirs: a network is formed, locks join, are asked who they are, take
PINs, show them, lose them, and are heard when somebody is at the door.

    host.py [--version N] PROGRAM [ARGUMENTS…]      such as: keyway virtual-stick --radio zigbee --listen 127.0.0.1:0 \
                                                     --control 127.0.0.1:0 --setup

The program is given a setup file as its last argument, and tells its ports on its first line.
"""
import argparse
import asyncio
import json
import logging
import os
import tempfile

import zigpy.types as t
from bellows.zigbee.application import ControllerApplication
from zigpy.zcl import foundation
from zigpy.zcl.clusters.closures import DoorLock

from bellows_host import Arrivals, expect

parser = argparse.ArgumentParser()
parser.add_argument("--version", type=int, default=13)
parser.add_argument("--verbose", action="store_true")
parser.add_argument("program", nargs=argparse.REMAINDER)
args = parser.parse_args()
if args.verbose:
    logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)d %(name)s %(message)s")

# The key of install code 83FED3407A939723A5C639B26916D505, the example of the Base Device Behavior specification.
INSTALL_CODE_KEY = "66b6900981e1ee3ca4206b6b861c02bb"
SLEEPY, CODED, ALWAYS_ON = 2, 3, 4


def ieee(node):
    return f"00:0d:6f:00:0a:0b:0c:{node:02x}"


class Stick:
    """The stick's process, and its control port."""

    async def start(self, setup):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(setup, self.file)
        self.file.flush()
        self.process = await asyncio.create_subprocess_exec(*args.program, self.file.name, stdout=asyncio.subprocess.PIPE)
        ports = json.loads(await self.process.stdout.readline())
        self.port = ports["listening"].rsplit(":", 1)[1]
        host, port = ports["control"].rsplit(":", 1)
        self.reader, self.writer = await asyncio.open_connection(host, int(port))

    async def ask(self, **request):
        self.writer.write(json.dumps(request).encode() + b"\n")
        answer = json.loads(await self.reader.readline())
        assert "error" not in answer, f"{request}: {answer}"
        return answer

    async def lock(self, node):
        return next(lock for lock in (await self.ask(get="state"))["locks"] if lock["node"] == node)

    async def codes(self, node):
        return {slot["slot"]: slot["code"] for slot in (await self.lock(node))["slots"]}

    def stop(self):
        self.process.terminate()


class Commands:
    """What a cluster of a lock tells by itself."""

    def __init__(self, cluster):
        self.queue = asyncio.Queue()
        cluster.add_listener(self)

    def cluster_command(self, tsn, command_id, values):
        self.queue.put_nowait((command_id, values))

    async def next(self, wanted):
        """The next of this number."""
        while True:
            number, values = await asyncio.wait_for(self.queue.get(), 15)
            if number == wanted:
                return values


async def until(what, holds):
    """Waits for something that comes by itself."""
    for _ in range(100):
        if holds():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not so in ten seconds: {what}")


async def try_codes(lock, stick, node):
    """A PIN is set, read back, refused for another user, used, and taken out."""
    answer = await lock.set_pin_code(3, 1, 0, "471100")
    expect("the PIN is taken", answer.status == 0)
    expect("the lock has it", await stick.codes(node) == {3: "471100"})
    answer = await lock.get_pin_code(3)
    expect("it is shown", (answer.user_id, answer.user_status, answer.code) == (3, 1, "471100"))
    answer = await lock.set_pin_code(4, 1, 0, "471100")
    expect("nobody else gets it", answer.status == 3)
    answer = await lock.set_pin_code(99, 1, 0, "471101")
    expect("there is no such user", answer.status == foundation.Status.INVALID_FIELD)
    expect("it opens", await stick.ask(node=node, keypad="471100") == {"ok": True, "opened": True, "slot": 3})
    await lock.set_user_status(3, 3)
    expect("it is off", (await stick.ask(node=node, keypad="471100"))["opened"] is False)
    await lock.clear_pin_code(3)
    expect("it is out", await stick.codes(node) == {})
    answer = await lock.get_pin_code(3)
    expect("nothing is shown", (answer.user_status, answer.code) == (0, ""))


async def main():
    stick = Stick()
    key = t.KeyData(bytes.fromhex(INSTALL_CODE_KEY))
    lock = {"motor_ms": 50, "joined": False, "first_user": 0}
    await stick.start({"version": args.version, "locks": [
        {"node": SLEEPY, "ieee": ieee(SLEEPY), "name": "Front door", **lock},
        {"node": CODED, "ieee": ieee(CODED), "name": "Shed", "install_code_key": INSTALL_CODE_KEY, **lock},
        {"node": ALWAYS_ON, "ieee": ieee(ALWAYS_ON), "name": "Office", "poll_ms": 0, "behind_router": True, **lock},
    ]})
    config = {"device": {"path": f"socket://127.0.0.1:{stick.port}"}, "database_path": None, "ota": {"enabled": False},
              "use_thread": False, "source_routing": True}
    app = await ControllerApplication.new(config, auto_form=True)
    arrivals = Arrivals(app)
    network = (await stick.ask(get="state"))["network"]
    expect("the network is where the host wants it", network["pan"] == app.state.network_info.pan_id)
    print(f"EZSP {args.version}: formed on channel {network['channel']}")

    expect("nobody is let in", "error" in json.loads(await refused(stick, node=SLEEPY, join=True)))
    await app.permit(60)
    await stick.ask(node=SLEEPY, join=True)
    device = await arrivals.next()
    expect("who it is", (device.manufacturer, device.model) == ("Yale", "YRD226 TSDB"))
    door = device.endpoints[1].door_lock
    await try_codes(door, stick, SLEEPY)

    heard = Commands(door)
    await door.bind()
    await device.endpoints[1].power.bind()
    await stick.ask(node=SLEEPY, by_hand={"slot": 7, "code": "0042"})
    told = await heard.next(DoorLock.ClientCommandDefs.programming_event_notification.id)
    expect("it was put in at the keypad", (told.program_event_source, told.program_event_code, told.user_id) == (0, 2, 7))
    await stick.ask(node=SLEEPY, keypad="0042")
    told = await heard.next(DoorLock.ClientCommandDefs.operation_event_notification.id)
    expect("it was used", (told.operation_event_source, told.operation_event_code, told.user_id) == (0, 2, 7))
    await door.lock_door()
    told = await heard.next(DoorLock.ClientCommandDefs.operation_event_notification.id)
    expect("the hub locked it", (told.operation_event_source, told.operation_event_code) == (1, 1))
    power = device.endpoints[1].power
    await power.configure_reporting("battery_percentage_remaining", 0, 3600, 2)
    await stick.ask(node=SLEEPY, battery=40)
    await until("the battery is reported", lambda: power.get("battery_percentage_remaining") == 80)
    print("a sleeping lock: PINs, events, battery")

    await app.permit(60)
    await stick.ask(node=CODED, join=True)
    try:
        await asyncio.wait_for(arrivals.queue.get(), 2)
        raise AssertionError("a lock with an install code can't read a key under the well-known one")
    except asyncio.TimeoutError:
        pass
    await app.permit_with_link_key(node=t.EUI64.convert(ieee(CODED)), link_key=key, time_s=60)
    await stick.ask(node=CODED, join=True)
    expect("it is in by its install code", str((await arrivals.next()).ieee) == ieee(CODED))

    # The host has asked for install codes only.
    await app.permit(60)
    await stick.ask(node=ALWAYS_ON, join=True)
    device = await arrivals.next()
    far = device.endpoints[1].door_lock
    await try_codes(far, stick, ALWAYS_ON)
    print("a lock by its install code; one behind a router")

    await stick.ask(node=SLEEPY, rejoin="secured")
    await asyncio.sleep(1)
    nwk = (await stick.lock(SLEEPY))["nwk"]
    expect("the host knows where it is now", app.get_device(ieee=t.EUI64.convert(ieee(SLEEPY))).nwk == nwk)
    answer = await door.get_pin_code(7)
    expect("it is found there", answer.code == "0042")
    await stick.ask(stick={"garble_every": 400})
    for user in range(5):
        answer = await door.get_pin_code(user)
        expect("every answer comes although bytes are spoilt", answer.user_id == user)
    await stick.ask(stick={"garble_every": 0})
    await app.get_device(ieee=t.EUI64.convert(ieee(SLEEPY))).zdo.leave()
    await asyncio.sleep(1)
    expect("it has left", not (await stick.lock(SLEEPY))["joined"])
    print("moved, spoken to over a noisy line, and taken out")

    await app.shutdown()
    stick.stop()


async def refused(stick, **request):
    stick.writer.write(json.dumps(request).encode() + b"\n")
    return await stick.reader.readline()


asyncio.run(main())
# Without waiting for threads of the library.
os._exit(0)
