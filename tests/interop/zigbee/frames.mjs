#!/usr/bin/env node
// PINs set and read back by zigbee-herdsman as Zigbee2MQTT's converter does it: one half of `cargo bench --bench zigbee`.
//
//   node frames.mjs PORT CONTROL COUNT       at a `keyway virtual-stick` that runs; three seconds between two codes
//
// The last line is what it took on the air, as JSON.
import { mkdtempSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Controller, setLogger } from "zigbee-herdsman";

const [port, controlPort, count] = process.argv.slice(2);
const NODE = 2;
const quiet = () => {};
setLogger({ debug: quiet, info: quiet, warning: quiet, error: console.error });

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

const folder = mkdtempSync(join(tmpdir(), "herdsman-"));
const controller = new Controller({
	network: { panID: 0x1a62, extendedPanID: Array(8).fill(0xdd), channelList: [15], networkKey: [...Array(16).keys()] },
	serialPort: { path: `tcp://${port}`, adapter: "ember" },
	databasePath: join(folder, "database.db"),
	databaseBackupPath: join(folder, "database.db.backup"),
	backupPath: join(folder, "backup.json"),
	adapter: {},
	acceptJoiningDeviceHandler: async () => true,
});
await controller.start();
await controller.permitJoin(60);
const interviewed = new Promise((done) =>
	controller.on("deviceInterview", ({ status, device }) => status === "successful" && done(device)));
await ask({ node: NODE, join: true });
const door = (await interviewed).getEndpoint(1);
// As Zigbee2MQTT configures a lock.
await door.bind("closuresDoorLock", controller.getDevicesByType("Coordinator")[0].getEndpoint(1));
await controller.permitJoin(0);
await sleep(7000); // it has asked for the time
const before = (await lockState()).frames;
console.log("ready");
for (let user = 1; user <= Number(count); user++) {
	await sleep(3000);
	const pin = String(100_000 + user * 7919);
	await door.command("closuresDoorLock", "setPinCode", { userid: user, userstatus: 1, usertype: 0, pincodevalue: pin });
	const { pincodevalue } = await door.command("closuresDoorLock", "getPinCode", { userid: user });
	if (Buffer.from(pincodevalue).toString() !== pin) throw new Error(`user ${user} has another PIN`);
}
await sleep(1000);
const after = (await lockState()).frames;
console.log(JSON.stringify({ from_hub: after.from_hub - before.from_hub, to_hub: after.to_hub - before.to_hub }));
process.exit(0);
