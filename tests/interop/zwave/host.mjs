// zwave-js's own driver as the host of a stick: stick.mjs, or with arguments the program that they name.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Driver } from "zwave-js";

export const expect = (what, holds) => {
	if (!holds) throw new Error(`not so: ${what}`);
};

const line = (stream) => new Promise((done) => createInterface({ input: stream }).once("line", done));

// Starts the stick and the driver, and waits until the driver is ready; `prepare`: what is done to the stick between.
export async function host(change = (setup) => setup, prepare = async () => {}) {
	const setup = change(JSON.parse(readFileSync(new URL("three-locks.json", import.meta.url), "utf8")));
	const [program, ...rest] = process.argv.length > 2
		? process.argv.slice(2)
		: [process.execPath, new URL("stick.mjs", import.meta.url).pathname];
	const file = join(mkdtempSync(join(tmpdir(), "stick-")), "setup.json");
	writeFileSync(file, JSON.stringify(setup));
	const stick = spawn(program, [...rest, file]);
	stick.stderr.pipe(process.stderr);
	process.on("exit", () => stick.kill());
	const { listening, control } = JSON.parse(await line(stick.stdout));

	// One order on the control port.
	async function ask(order) {
		const socket = connect(Number(control.split(":")[1]), "127.0.0.1");
		socket.write(`${JSON.stringify(order)}\n`);
		const reply = JSON.parse(await line(socket));
		socket.destroy();
		return reply;
	}
	const lockState = async (node) => (await ask({ get: "state" })).locks.find((lock) => lock.node === node);

	await prepare(ask);
	const driver = driverAt(listening, setup.keys, mkdtempSync(join(tmpdir(), "zwave-js-")));
	const ready = new Promise((done) => driver.once("driver ready", done));
	await driver.start();
	await ready;
	return { setup, driver, ask, lockState };
}

// The driver of the stick at this address, not started yet; it keeps what it knows of the locks in `cacheDir`.
export function driverAt(address, keys, cacheDir) {
	const key = (name) => Buffer.from(keys[name], "hex");
	const driver = new Driver(`tcp://${address}`, {
		logConfig: { enabled: process.env.LOG !== undefined, level: "debug", forceConsole: true },
		storage: { cacheDir },
		securityKeys: {
			S2_AccessControl: key("s2_access_control"),
			S2_Authenticated: key("s2_authenticated"),
			S2_Unauthenticated: key("s2_unauthenticated"),
			S0_Legacy: key("s0"),
		},
		allowBootloaderOnly: false,
	});
	driver.on("error", (error) => {
		console.error(error);
		process.exit(1);
	});
	return driver;
}

// Sets a code, reads it back, types it at the keypad, and clears it.
export async function tryCodes(node, { ask, lockState }) {
	const { id } = node;
	const codes = node.commandClasses["User Code"];
	await codes.get(1); // a first exchange, so that the nonces are in sync
	const before = await lockState(id);
	await codes.set(5, 1, "918273");
	expect("read back", String((await codes.get(5)).userCode) === "918273");
	const after = await lockState(id);
	expect("in the lock", after.slots.some(({ slot, code }) => slot === 5 && code === "918273"));
	const notified = new Promise((done) => node.once("notification", (_endpoint, _cc, args) => done(args)));
	expect("opened", (await ask({ node: id, keypad: "918273" })).opened);
	expect("keypad event", (await notified).event === 6);
	await codes.clear(5);
	expect("cleared", (await lockState(id)).slots.length === 0);
	const frames = (side) => after.frames[side] - before.frames[side];
	console.log(`node ${id}: ok; a set with read-back took ${frames("from_hub")} frames out, ${frames("to_hub")} back`);
}
