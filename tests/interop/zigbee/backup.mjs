#!/usr/bin/env node
// zigbee-herdsman's network backups (Zigbee2MQTT's coordinator_backup.json), at a stick that runs already.
//
//   node backup.mjs ADAPTER make FILE PORT CONTROL     a network is formed, a lock joins it and takes a PIN, and it is backed up
//   node backup.mjs ADAPTER restore FILE PORT CONTROL  a network is restored, and its lock shows that PIN, takes another, comes back
//
// ADAPTER is ember or zstack; PORT and CONTROL are those of `keyway virtual-stick`.
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Controller, setLogger } from "zigbee-herdsman";

const [adapter, what, file, port, controlPort] = process.argv.slice(2);
const NODE = 2;
const USER = 3;
const PIN = "471100";
const OTHER_PIN = "862193";

const quiet = () => {};
const loud = (text) => console.error(typeof text === "function" ? text() : text);
setLogger({ debug: process.env.DEBUG ? loud : quiet, info: process.env.DEBUG ? loud : quiet, warning: loud, error: loud });

function expect(what, holds) {
	if (!holds) throw new Error(`not so: ${what}`);
}

const [host, number] = controlPort.split(":");
const control = createConnection(Number(number), host);
const answers = createInterface(control)[Symbol.asyncIterator]();
async function ask(request) {
	control.write(`${JSON.stringify(request)}\n`);
	const answer = JSON.parse((await answers.next()).value);
	if (answer.error) throw new Error(`${JSON.stringify(request)}: ${answer.error}`);
	return answer;
}
const lockState = async () => (await ask({ get: "state" })).locks.find((lock) => lock.node === NODE);

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
const own = { panID: 0x1a62, extendedPanID: [1, 2, 3, 4, 5, 6, 7, 8], channelList: [15], networkKey: [...Array(16).keys()] };

const folder = mkdtempSync(join(tmpdir(), "herdsman-"));
const backupPath = join(folder, "coordinator_backup.json");
if (what === "restore") copyFileSync(file, backupPath);
const controller = new Controller({
	network: what === "make" ? own : networkOf(JSON.parse(readFileSync(file))),
	serialPort: { path: `tcp://${port}`, adapter },
	databasePath: join(folder, "database.db"),
	databaseBackupPath: join(folder, "database.db.backup"),
	backupPath,
	adapter: {},
	acceptJoiningDeviceHandler: async () => true,
});
const until = (what, event, holds) =>
	new Promise((done, failed) => {
		const timer = setTimeout(() => failed(new Error(`not so in 30 s: ${what}`)), 30_000);
		controller.on(event, (data) => {
			if (holds(data)) {
				clearTimeout(timer);
				done(data);
			}
		});
	});
const pinOf = async (door) => Buffer.from((await door.command("closuresDoorLock", "getPinCode", { userid: USER })).pincodevalue).toString();
const setPin = (door, userid, pincodevalue) =>
	door.command("closuresDoorLock", "setPinCode", { userid, userstatus: 1, usertype: 0, pincodevalue });

async function make() {
	expect("the network is new", (await controller.start()) === "reset");
	await controller.permitJoin(60);
	const interviewed = until("it is interviewed", "deviceInterview", ({ status }) => status === "successful");
	await ask({ node: NODE, join: true });
	const door = (await interviewed).device.getEndpoint(1);
	await door.bind("closuresDoorLock", controller.getDevicesByType("Coordinator")[0].getEndpoint(1));
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
	const interviewed = until("it is interviewed", "deviceInterview", ({ status }) => status === "successful");
	await ask({ node: NODE, rejoin: "secured" });
	const { device } = await interviewed;
	const door = device.getEndpoint(1);
	expect("it shows its PIN", (await pinOf(door)) === PIN);
	expect("another is taken", (await setPin(door, USER + 5, OTHER_PIN)).status === 0);
	const held = (await lockState()).slots.map(({ code }) => code);
	expect("it has both", held.includes(PIN) && held.includes(OTHER_PIN));
	// It gets the network's key under the link key that it has had: of that the backup must have told.
	await ask({ node: NODE, rejoin: "unsecured" });
	await sleep(2000);
	expect("it is back", device.networkAddress === (await lockState()).nwk);
	expect("it is reached there", (await pinOf(door)) === PIN);
}

await (what === "make" ? make() : restore());
console.log(`${what}: done`);
// Without the farewell to a stick that has done its part.
process.exit(0);
