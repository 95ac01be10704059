#!/usr/bin/env node
// zigbee-herdsman's network backups (Zigbee2MQTT's coordinator_backup.json), at a stick that runs already.
//
//   node backup.mjs ADAPTER make FILE PORT CONTROL     a network is formed, a lock joins it and takes a PIN, and it is backed up
//   node backup.mjs ADAPTER restore FILE PORT CONTROL  a network is restored, and its lock shows that PIN, takes another, comes back
//
// ADAPTER is ember or zstack; PORT and CONTROL are those of `keyway virtual-stick`.
import { copyFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { NODE, controlAt, expect, hostOf, pinOf, setPin } from "./herdsman_host.mjs";

const [adapter, what, file, port, controlPort] = process.argv.slice(2);
const USER = 3;
const PIN = "471100";
const OTHER_PIN = "862193";

// What a user has in Zigbee2MQTT's configuration. That of a network from elsewhere is written there by hand, from the backup.
const bytes = (hex) => [...Buffer.from(hex, "hex")];
function networkOf(backup) {
	return {
		panID: Number.parseInt(backup.pan_id, 16),
		extendedPanID: bytes(backup.extended_pan_id),
		channelList: [backup.channel],
		networkKey: bytes(backup.network_key.key),
	};
}
const network = what === "make" ? { extendedPanID: [1, 2, 3, 4, 5, 6, 7, 8] } : networkOf(JSON.parse(readFileSync(file)));

const { ask, lockState } = controlAt(controlPort);
const { controller, backupPath, interviewed, bind } = hostOf(port, adapter, network);
if (what === "restore") copyFileSync(file, backupPath);

async function make() {
	expect("the network is new", (await controller.start()) === "reset");
	await controller.permitJoin(60);
	const door = (await interviewed(() => ask({ node: NODE, join: true }))).getEndpoint(1);
	await bind(door);
	expect("the PIN is taken", (await setPin(door, USER, PIN)).status === 0);
	await sleep(2000);
	await controller.backup();
	copyFileSync(backupPath, file);
}

// With a stick of Silicon Labs zigbee-herdsman leaves the stick's own address as it is: it must be that of the old one.
async function restore() {
	expect("it is the network of the backup", (await controller.start()) === "restored");
	// Zigbee2MQTT's own devices are in its database. Here there is none, so that the lock says its name as one that is new.
	await controller.permitJoin(60);
	const device = await interviewed(() => ask({ node: NODE, rejoin: "secured" }));
	const door = device.getEndpoint(1);
	expect("it shows its PIN", (await pinOf(door, USER)) === PIN);
	expect("another is taken", (await setPin(door, USER + 5, OTHER_PIN)).status === 0);
	const held = (await lockState()).slots.map(({ code }) => code);
	expect("it has both", held.includes(PIN) && held.includes(OTHER_PIN));
	// It gets the network's key under the link key that it has had: of that the backup must have told.
	await ask({ node: NODE, rejoin: "unsecured" });
	await sleep(2000);
	expect("it is back", device.networkAddress === (await lockState()).nwk);
	expect("it is reached there", (await pinOf(door, USER)) === PIN);
}

await (what === "make" ? make() : restore());
console.log(`${what}: done`);
// Without the farewell to a stick that has done its part.
process.exit(0);
