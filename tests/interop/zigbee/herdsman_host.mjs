// What the scripts share: zigbee-herdsman as a host, and the control port of the virtual stick at which it works. With DEBUG in
// the environment it tells all that it does.
import { mkdtempSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Controller, setLogger } from "zigbee-herdsman";

// The lock, as the stick's control port calls it.
export const NODE = 2;

const quiet = () => {};
const loud = (text) => console.error(typeof text === "function" ? text() : text);
setLogger({ debug: process.env.DEBUG ? loud : quiet, info: process.env.DEBUG ? loud : quiet, warning: loud, error: loud });

export function expect(what, holds) {
	if (!holds) throw new Error(`not so: ${what}`);
}

// A folder of the host's own.
export const folder = mkdtempSync(join(tmpdir(), "herdsman-"));

// The stick's control port.
export function controlAt(address) {
	const [host, port] = address.split(":");
	const control = createConnection(Number(port), host);
	const answers = createInterface(control)[Symbol.asyncIterator]();
	async function ask(request) {
		control.write(`${JSON.stringify(request)}\n`);
		const answer = JSON.parse((await answers.next()).value);
		if (answer.error) throw new Error(`${JSON.stringify(request)}: ${answer.error}`);
		return answer;
	}
	const lockState = async () => (await ask({ get: "state" })).locks.find((lock) => lock.node === NODE);
	return { ask, lockState };
}

// The host of the stick at this address, which is not started yet.
export function hostOf(address, adapter, network = {}) {
	const usual = { panID: 0x1a62, extendedPanID: Array(8).fill(0xdd), channelList: [15], networkKey: [...Array(16).keys()] };
	const backupPath = join(folder, "coordinator_backup.json");
	const controller = new Controller({
		network: { ...usual, ...network },
		serialPort: { path: `tcp://${address}`, adapter },
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
	// Something that a lock does has it asked who it is; then it is the device.
	async function interviewed(act) {
		const told = until("it is interviewed", "deviceInterview", ({ status }) => status === "successful");
		await act();
		return (await told).device;
	}
	// As Zigbee2MQTT configures a lock.
	const bind = (door) => door.bind("closuresDoorLock", controller.getDevicesByType("Coordinator")[0].getEndpoint(1));
	return { controller, backupPath, until, interviewed, bind };
}

// As Zigbee2MQTT's converter does it.
export const setPin = (door, userid, pincodevalue) =>
	door.command("closuresDoorLock", "setPinCode", { userid, userstatus: 1, usertype: 0, pincodevalue });
export const pinOf = async (door, userid) =>
	Buffer.from((await door.command("closuresDoorLock", "getPinCode", { userid })).pincodevalue).toString();
