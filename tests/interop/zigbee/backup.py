#!/usr/bin/env python3
"""zigpy's network backups, at a stick that runs already.

    backup.py make FILE PORT CONTROL        a network is formed, a lock joins it and takes a PIN, and the network is backed up
    backup.py restore FILE PORT CONTROL     a network is restored, and its lock shows that PIN, takes another, and comes back

FILE is in the open format of coordinator backups. PORT and CONTROL are those of `keyway virtual-stick`, as ADDRESS:NUMBER.
"""
import asyncio
import json
import os
import sys

import zigpy.backups
import zigpy.types as t
from bellows.zigbee.application import ControllerApplication

from bellows_host import Arrivals, expect

what, file, port, control = sys.argv[1:]
NODE, USER, PIN, OTHER_PIN = 2, 3, "471100", "862193"
CONFIG = {"device": {"path": f"socket://{port}"}, "database_path": None, "ota": {"enabled": False}, "use_thread": False,
          "backup_enabled": False}


async def ask(**request):
    """What the stick's control port answers."""
    reader, writer = await asyncio.open_connection(*control.split(":"))
    writer.write(json.dumps(request).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    assert "error" not in answer, f"{request}: {answer}"
    return answer


async def lock_state():
    return next(lock for lock in (await ask(get="state"))["locks"] if lock["node"] == NODE)


async def make():
    app = await ControllerApplication.new(CONFIG, auto_form=True)
    arrivals = Arrivals(app)
    await app.permit(60)
    await ask(node=NODE, join=True)
    device = await arrivals.next()
    door = device.endpoints[1].door_lock
    await door.bind()
    expect("the PIN is taken", (await door.set_pin_code(USER, 1, 0, PIN)).status == 0)
    backup = await app.backups.create_backup()
    with open(file, "w") as to:
        json.dump(backup.as_open_coordinator_json(), to)
    await app.shutdown()


async def restore():
    backup = zigpy.backups.NetworkBackup.from_dict(json.load(open(file)))
    app = ControllerApplication(CONFIG)
    await app.connect()
    await app.backups.restore_backup(backup)
    await app.disconnect()
    app = await ControllerApplication.new(CONFIG, auto_form=False)
    expect("it is that network", app.state.network_info.extended_pan_id == backup.network_info.extended_pan_id)
    expect("it is that coordinator", app.state.node_info.ieee == backup.node_info.ieee)
    ieee = t.EUI64.convert((await lock_state())["ieee"])
    # zigpy's own devices are in its database: of these it knows what is in the backup.
    arrivals = Arrivals(app)
    app.add_device(ieee, backup.network_info.nwk_addresses[ieee]).schedule_initialize()
    device = await arrivals.next()
    door = device.endpoints[1].door_lock
    expect("it shows its PIN", (await door.get_pin_code(USER)).code == PIN)
    expect("another is taken", (await door.set_pin_code(USER + 5, 1, 0, OTHER_PIN)).status == 0)
    expect("it has both", {slot["code"] for slot in (await lock_state())["slots"]} >= {PIN, OTHER_PIN})
    # It gets the network's key under the link key that it has had: of that the backup must have told.
    await ask(node=NODE, rejoin="unsecured")
    await asyncio.sleep(2)
    expect("it is back", device.nwk == (await lock_state())["nwk"])
    expect("it is reached there", (await door.get_pin_code(USER)).code == PIN)
    await app.shutdown()


asyncio.run(make() if what == "make" else restore())
print(f"{what}: done")
sys.stdout.flush()
# Without waiting for threads of the library.
os._exit(0)
