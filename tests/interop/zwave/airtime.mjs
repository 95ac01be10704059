#!/usr/bin/env node
// What codes cost on the air when zwave-js's own driver puts them in: one half of `cargo bench --bench airtime`.
//
//   TASK='{"setup":{…},"old":30,"new":30,"way":"same"}' node airtime.mjs keyway virtual-stick --listen … --setup
//
// In each lock the old codes are put in first, uncounted. Then, lock by lock, the old ones are taken out and the new
// ones put in. "same": code by code; what is in the slot is read before it is written, and after. "best": as many in
// one command as one frame under Security 2 takes, and the lock's checksum before and after, where it has that. "unseen":
// code by code, without the look before. The last line is what it took, as JSON.
import { CRC16_CCITT } from "@zwave-js/core";
import { expect, host } from "./host.mjs";

const { setup, old, new: fresh, way } = JSON.parse(process.env.TASK);
const ENABLED = 1;
const AVAILABLE = 0;
// What a frame has room for beside Security 2 and Supervision: 2 codes of 8 digits, or 6 emptied slots.
const CODES_A_FRAME = 2;
const CLEARS_A_FRAME = 6;

// While all is made ready, that it takes no minutes: no beams, and frames that are there almost at once.
const keepAwake = (ask, awake) => Promise.all(setup.locks.map(({ node }) =>
	ask({ node, fault: { awake, latency_ms: awake ? 1 : 15 } })));
const stick = await host(() => setup, (ask) => keepAwake(ask, true));
const nodes = setup.locks.map(({ node }) => stick.driver.controller.nodes.getOrThrow(node));
await Promise.all(nodes.map((node) => node.ready || new Promise((done) => node.once("interview completed", done))));

const pin = (slot, round) => String(10_000_000 + round * 1_000_000 + slot * 7919);
const codes = (count, round) => Array.from({ length: count }, (_, index) => (
	{ userId: index + 1, userIdStatus: ENABLED, userCode: pin(index + 1, round) }));
const none = (count) => codes(count).map(({ userId }) => ({ userId, userIdStatus: AVAILABLE }));
const parts = (list, size) => list.length === 0 ? [] : [list.slice(0, size), ...parts(list.slice(size), size)];
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const hasChecksum = (node) => setup.locks.find((lock) => lock.node === node.id).user_code_version >= 2;

// Writes slots that hold what was said of them before, and proves it.
async function write(node, before, wanted) {
	const api = node.commandClasses["User Code"];
	if (way === "best" && hasChecksum(node)) return await writeAll(api, before, wanted);
	for (const [index, code] of wanted.entries()) {
		if (before && way !== "unseen") await holds(api, before[index]);
		succeeded(await (code.userIdStatus === AVAILABLE
			? api.clear(code.userId)
			: api.set(code.userId, code.userIdStatus, code.userCode)));
		await holds(api, code);
	}
}

async function holds(api, { userId, userIdStatus, userCode }) {
	const code = await api.get(userId);
	expect(`slot ${userId}`, code.userIdStatus === userIdStatus);
	if (userIdStatus === ENABLED) expect(`slot ${userId}`, String(code.userCode) === userCode);
}

async function writeAll(api, before, wanted) {
	if (before) await allHold(api, before);
	const clears = wanted.every(({ userIdStatus }) => userIdStatus === AVAILABLE);
	for (const part of parts(wanted, clears ? CLEARS_A_FRAME : CODES_A_FRAME)) succeeded(await api.setMany(part));
	await allHold(api, wanted);
}

// The codes of all slots, by the lock's checksum over them.
async function allHold(api, codes) {
	const held = codes.filter(({ userIdStatus }) => userIdStatus !== AVAILABLE);
	const bytes = held.map(({ userId, userIdStatus, userCode }) =>
		Buffer.concat([Buffer.from([userId >> 8, userId & 0xff, userIdStatus]), Buffer.from(userCode)]));
	const expected = held.length === 0 ? 0 : CRC16_CCITT(Buffer.concat(bytes));
	expect("the checksum", (await api.getUserCodeChecksum()) === expected);
}

const succeeded = (result) => expect("the lock did it", result === undefined || result.status === 0xff);

async function frames() {
	const { locks } = await stick.ask({ get: "state" });
	const sum = (side) => locks.reduce((total, lock) => total + lock.frames[side], 0);
	return { from_hub: sum("from_hub"), to_hub: sum("to_hub"), wake_ups: sum("wake_ups") };
}

// A first exchange also where nothing is to be there before, so that the nonces are in sync.
await Promise.all(nodes.map(async (node) => {
	await write(node, none(Math.max(old, 1)), codes(Math.max(old, 1), 1));
	if (old === 0) await write(node, codes(1, 1), none(1));
}));
await keepAwake(stick.ask, false);
await sleep(4); // the locks sleep again
const before = await frames();
// Lock by lock: all at once, the driver would wake a lock anew for nearly every question.
for (const node of nodes) {
	if (old > 0) await write(node, codes(old, 1), none(old));
	// Slots that were emptied were just proven to be free.
	await write(node, old > 0 ? undefined : none(fresh), codes(fresh, 2));
}
const after = await frames();
for (const { slots: held } of (await stick.ask({ get: "state" })).locks) {
	expect("each lock holds its codes", held.length === fresh && held.every(({ slot, code }) => code === pin(slot, 2)));
}
console.log(JSON.stringify({
	from_hub: after.from_hub - before.from_hub,
	to_hub: after.to_hub - before.to_hub,
	wake_ups: after.wake_ups - before.wake_ups,
}));
await stick.driver.destroy();
process.exit(0);
