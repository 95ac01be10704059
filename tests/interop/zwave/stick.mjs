#!/usr/bin/env node
// A Z-Wave stick with door locks that Keyway did not write: zwave-js's mock controller and mock nodes behind a TCP port.
//
//   node stick.mjs SETUP.json
//
// It is driven as `keyway virtual-stick` is. On start it prints {"listening":"127.0.0.1:PORT","control":"127.0.0.1:PORT"}.
// The control port takes one JSON object a line and answers with one:
//   {"get":"state"}                             slots, bolt, frames and commands of every lock; what the host did wrong
//   {"node":2,"keypad":"4711"}                  a guest types a code
//   {"node":2,"by_hand":{"slot":3,"code":"4711"}}   somebody programs the lock at its keypad; "code":null clears
//   {"node":2,"fault":{"offline":true}}         offline, reject, mask: true or false
//   {"unbox":{"security":["s2_access_control"]}}   a lock fresh from its box, which answers the next AddNodeToNetwork
//   {"get":"label"}                             the label of the lock that was added so, once it has its number
//
// Limits: the mock controller knows no Long Range, and answers WORKING to nothing; codes are put in by hand in locks with
// User Code only.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import {
	BatteryCCGet, BatteryCCReport, NotificationCCReport, Security2CC, Security2CCNonceGet, Security2CCNonceReport,
	SecurityCC, SecurityCCNonceGet, SecurityCCNonceReport, UserCodeCCGet, UserCodeCCReport, UserCodeCCSet,
	TimeParametersCCGet, TimeParametersCCReport, TimeParametersCCSet, UserCredentialCC,
} from "@zwave-js/cc";
import { CommandClasses, SecurityClass, dskToString } from "@zwave-js/core";
import { MockController, MockNode, MockZWaveFrameType, ccCaps, createMockZWaveRequestFrame } from "@zwave-js/testing";
import { createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors } from "zwave-js/Testing";

const CLASSES = {
	s2_access_control: SecurityClass.S2_AccessControl,
	s2_authenticated: SecurityClass.S2_Authenticated,
	s2_unauthenticated: SecurityClass.S2_Unauthenticated,
	s0: SecurityClass.S0_Legacy,
};
const EVENT = { keypadUnlock: 6, codeDeleted: 13, codeAdded: 14, duplicateCode: 15, credentialUnlock: 36 };
const PIN_CODE = 1;
const COMMANDS_KEPT = 200;

const setup = JSON.parse(readFileSync(process.argv[2], "utf8"));
const hostErrors = [];
for (const fault of ["uncaughtException", "unhandledRejection"]) {
	process.on(fault, (error) => hostErrors.push(String(error?.message ?? error)));
}

// ---- the wire: TCP on one side, whole frames for the mock controller on the other ----

let host;
const fromHost = new TransformStream();
const toController = fromHost.writable.getWriter();
const controller = await MockController.create({
	mockPort: { readable: fromHost.readable, emitData: (bytes) => host?.write(bytes) },
	ownNodeId: 1,
	homeId: setup.home_id,
	securityKeys: Object.fromEntries(
		Object.entries(setup.keys).map(([name, key]) => [SecurityClass[CLASSES[name]], Buffer.from(key, "hex")]),
	),
});
controller.defineBehavior(...createDefaultMockControllerBehaviors());

const serialApi = createServer((socket) => {
	host?.destroy();
	host = socket;
	socket.on("error", () => {});
	socket.on("close", () => { if (host === socket) host = undefined; });
	let held = Buffer.alloc(0);
	socket.on("data", (bytes) => {
		held = Buffer.concat([held, bytes]);
		for (let length; (length = frameLength(held)) <= held.length; held = held.subarray(length)) {
			const frame = held.subarray(0, length);
			if ([0x01, 0x06, 0x15, 0x18].includes(frame[0])) void toController.write(frame);
		}
	});
});

// SOF, length, that many bytes; everything else is one byte
function frameLength(bytes) {
	if (bytes.length === 0) return Infinity;
	if (bytes[0] !== 0x01) return 1;
	return bytes.length < 2 ? Infinity : bytes[1] + 2;
}

// ---- the locks ----

const locks = new Map();
for (const lock of setup.locks) locks.set(lock.node, await makeLock(lock));

async function makeLock(lock) {
	const node = await MockNode.create({ id: lock.node, controller, capabilities: capabilities(lock) });
	controller.addNode(node);
	node.defineBehavior(...createDefaultMockNodeBehaviors());
	const own = outfit(node, lock);
	// An inclusion would have told the node which classes its controller has.
	for (const securityClass of Object.values(CLASSES)) {
		node.encodingContext.setSecurityClass(1, securityClass, node.capabilities.securityClasses.has(securityClass));
	}
	return own;
}

function outfit(node, lock) {
	const own = { node, setup: lock, fault: {}, frames: { from_hub: 0, to_hub: 0 }, commands: [] };
	node.defineBehavior({ handleCC: (_, __, cc) => answer(own, cc) });
	tapTheAir(own);
	return own;
}

// The mock controller makes the node when it is told to add one, and lets it do Security 2 bootstrapping.
let unboxed;
function unbox(lock) {
	const id = Math.max(1, ...controller.nodes.keys()) + 1;
	const setup = { node: id, slots: 30, user_code_version: 2, ...lock };
	controller.nodePendingInclusion = {
		id,
		capabilities: capabilities(setup),
		setup: (node) => {
			unboxed = node;
			locks.set(id, outfit(node, setup));
		},
	};
	return { ok: true };
}

// The first 16 bytes of its public key.
const labelOf = (node) => dskToString(node.ecdhKeyPair.publicKey.slice(0, 16));

function capabilities(lock) {
	const secure = lock.security.length > 0;
	const has = (...names) => lock.security.some((name) => names.includes(name));
	const cc = (ccId, more) => ccCaps({ ccId, isSupported: true, secure, ...more });
	const clear = (ccId, more) => ccCaps({ ccId, isSupported: true, ...more });
	return {
		firmwareVersion: "1.8",
		manufacturerId: 0x0129,
		productType: 0x8002,
		productId: 0x0600,
		genericDeviceClass: 0x40,
		specificDeviceClass: 0x03,
		isListening: true,
		isFrequentListening: false,
		supportsSecurity: secure,
		txDelay: 10,
		securityClasses: new Set(lock.security.map((name) => CLASSES[name])),
		commandClasses: [
			clear(CommandClasses.Version, { version: 2 }),
			clear(CommandClasses["Manufacturer Specific"], { version: 1 }),
			clear(CommandClasses["Z-Wave Plus Info"], { version: 2 }),
			...(has("s0") ? [clear(CommandClasses.Security, { version: 1 })] : []),
			...(has("s2_access_control", "s2_authenticated", "s2_unauthenticated")
				? [clear(CommandClasses["Security 2"], { version: 1 })] : []),
			...(lock.supervision === false ? [] : [clear(CommandClasses.Supervision, { version: 1 })]),
			cc(CommandClasses.Battery, { version: 1 }),
			cc(CommandClasses["Door Lock"], {
				version: 4, supportedOperationTypes: [1], supportedDoorLockModes: [0, 0xff], doorSupported: false,
			}),
			cc(CommandClasses.Notification, {
				version: 8, supportsV1Alarm: false,
				notificationTypesAndEvents: { 6: [1, 2, 5, 6, 11, ...Object.values(EVENT)] },
			}),
			lock.codes_by === "user_credential"
				? cc(CommandClasses["User Credential"], credentials(lock))
				: cc(CommandClasses["User Code"], {
					version: lock.user_code_version, numUsers: lock.slots, supportedASCIIChars: "0123456789",
				}),
			...(lock.year_day_slots ? [
				cc(CommandClasses["Schedule Entry Lock"], { version: 3, numYearDaySlots: lock.year_day_slots }),
				cc(CommandClasses["Time Parameters"], { version: 1 }),
			] : []),
		],
	};
}

// One that hides its PINs tells hashes of them, as it were.
function credentials(lock) {
	return {
		version: 1,
		numberOfSupportedUsers: lock.slots,
		supportedCredentialRules: [1],
		maxUserNameLength: 32,
		supportsCredentialChecksum: true,
		supportedCredentialTypes: new Map([[PIN_CODE, {
			numberOfCredentialSlots: lock.slots, minCredentialLength: 4, maxCredentialLength: 10,
			maxCredentialHashLength: lock.masked ? 20 : 0, supportsCredentialLearn: false,
		}]]),
	};
}

// Before zwave-js's own behaviours: the log, and what a real lock does that they do not.
function answer(lock, cc) {
	if (cc instanceof Security2CCNonceGet || cc instanceof Security2CCNonceReport) return undefined;
	if (cc instanceof SecurityCCNonceGet || cc instanceof SecurityCCNonceReport) return undefined;
	lock.commands.push({ command: nameOf(cc), at_ms: Date.now(), ...(cc.userId !== undefined && { slot: cc.userId }) });
	lock.commands.splice(0, lock.commands.length - COMMANDS_KEPT);
	if (cc instanceof BatteryCCGet) {
		return { action: "sendCC", cc: new BatteryCCReport({ nodeId: 1, level: 87, isLow: false }) };
	}
	// A clock that has never been set shows another time.
	if (cc instanceof TimeParametersCCSet) lock.clock = { shown: cc.dateAndTime, since: Date.now() };
	if (cc instanceof TimeParametersCCSet) return { action: "ok" };
	if (cc instanceof TimeParametersCCGet) {
		const { shown, since } = lock.clock ?? { shown: new Date(946684800000), since: Date.now() };
		const now = new Date(shown.getTime() + Date.now() - since);
		const report = new TimeParametersCCReport({ nodeId: 1, dateAndTime: now });
		// zwave-js can read this report, but not write it.
		const year = now.getUTCFullYear();
		report.payload = Buffer.from([
			year >> 8, year & 0xff, now.getUTCMonth() + 1, now.getUTCDate(),
			now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds(),
		]);
		return { action: "sendCC", cc: report };
	}
	if (cc instanceof UserCodeCCSet && refuses(lock, cc)) return { action: "fail" };
	if (cc instanceof UserCodeCCGet && lock.fault.mask) {
		const { status, code } = slot(lock, cc.userId);
		const masked = status ? "*".repeat(code.length) : undefined;
		const report = new UserCodeCCReport({ nodeId: 1, userId: cc.userId, userIdStatus: status, userCode: masked });
		return { action: "sendCC", cc: report };
	}
	return undefined;
}

// As `keyway virtual-stick` names it: UserCodeCCSet is user_code_set, and one that empties a slot user_code_clear.
function nameOf(cc) {
	if (cc instanceof UserCodeCCSet && cc.userIdStatus === 0) return "user_code_clear";
	const words = cc.constructor.name.replace("CC", "").match(/[A-Z0-9][a-z0-9]*/g);
	return words.join("_").toLowerCase();
}

function refuses(lock, { userId, userIdStatus, userCode }) {
	if (lock.fault.reject) return true;
	const twin = slots(lock).some((other) => other.slot !== userId && other.code === String(userCode));
	if (userIdStatus !== 1 || !twin) return false;
	setTimeout(() => void tell(lock, EVENT.duplicateCode), 50);
	return true;
}

// Counts the frames of each direction, acknowledgements apart, and lets an absent lock be absent.
function tapTheAir(lock) {
	const { node, frames } = lock;
	const receive = node.onControllerFrame.bind(node);
	node.onControllerFrame = async (frame) => {
		if (frame.type === MockZWaveFrameType.Request) frames.from_hub += 1;
		if (!lock.fault.offline) await receive(frame);
	};
	const send = node.sendToController.bind(node);
	node.sendToController = async (frame) => {
		if (lock.fault.offline) return undefined;
		if (frame.type === MockZWaveFrameType.Request) frames.to_hub += 1;
		return send(secured(node, frame));
	};
}

// zwave-js's mock answers a User Credential Set in the clear, however it came; a lock answers as it was asked.
function secured(node, frame) {
	const { payload } = frame;
	if (!(payload instanceof UserCredentialCC) || !node.securityManagers.securityManager2) return frame;
	frame.payload = Security2CC.encapsulate(payload, node.id, node.securityManagers);
	return frame;
}

function slot(lock, number) {
	if (lock.setup.codes_by === "user_credential") {
		const pin = lock.node.state.get(`UserCredential_cred_${PIN_CODE}_${number}`);
		return { slot: number, status: pin ? 1 : 0, code: pin ? Buffer.from(pin.credentialData).toString() : null };
	}
	const status = lock.node.state.get(`UserCode_userIdStatus_${number}`) ?? 0;
	return { slot: number, status, code: status ? String(lock.node.state.get(`UserCode_userCode_${number}`)) : null };
}

function slots(lock) {
	const all = Array.from({ length: lock.setup.slots }, (_, index) => slot(lock, index + 1));
	return all.filter(({ status }) => status !== 0);
}

function setSlot(lock, number, code) {
	lock.node.state.set(`UserCode_userIdStatus_${number}`, code === null ? 0 : 1);
	lock.node.state.set(`UserCode_userCode_${number}`, code ?? undefined);
}

// ---- what a lock says unasked ----

// An Access Control event. Most locks put a User Code Report behind it, which names the slot.
// Whether anybody hears it changes nothing at the door.
const tell = (lock, notificationEvent, number) => report(lock, new NotificationCCReport({
	nodeId: 1, notificationType: 6, notificationEvent,
	...(number !== undefined && { eventParameters: Uint8Array.from([0x63, 0x03, number, 0x01, 0, 0, 0, 0]) }),
})).catch(() => {});

async function report(lock, cc) {
	const { node } = lock;
	const transmit = (frame) => node.sendToController(createMockZWaveRequestFrame(frame, { ackRequested: false }));
	const heard = (type, timeout) => node.expectControllerFrame(
		(frame) => frame.type === MockZWaveFrameType.Request && frame.payload instanceof type, { timeout });
	const { securityManager, securityManager2 } = node.securityManagers;
	if (securityManager2) {
		const encapsulated = () => Security2CC.encapsulate(cc, node.id, node.securityManagers);
		const inSync = securityManager2.getSPANState(1).rng !== undefined;
		if (!inSync) {
			const nonce = heard(Security2CCNonceReport, 2000);
			await transmit(new Security2CCNonceGet({ nodeId: 1 }));
			await nonce;
		}
		// A hub that has lost its place answers with a nonce: then it is said once more.
		const outOfSync = heard(Security2CCNonceReport, 700).then(() => true, () => false);
		await transmit(encapsulated());
		if (inSync && await outOfSync) await transmit(encapsulated());
	} else if (securityManager) {
		const nonce = heard(SecurityCCNonceReport, 2000);
		await transmit(new SecurityCCNonceGet({ nodeId: 1 }));
		const encapsulated = SecurityCC.encapsulate(node.id, securityManager, cc);
		encapsulated.nonce = (await nonce).payload.nonce;
		await transmit(encapsulated);
	} else {
		await transmit(cc);
	}
}

// ---- the control port ----

const control = createServer((socket) => {
	socket.on("error", () => {});
	createInterface({ input: socket }).on("line", (line) => {
		void obey(line).catch((error) => ({ error: String(error?.message ?? error) }))
			.then((reply) => socket.write(`${JSON.stringify(reply)}\n`));
	});
});

async function obey(line) {
	const order = JSON.parse(line);
	if (order.get === "state") return { locks: [...locks.values()].map(shown), host_errors: hostErrors };
	if (order.get === "label") return { label: unboxed ? labelOf(unboxed) : null };
	if (order.unbox) return unbox(order.unbox);
	const lock = locks.get(order.node);
	if (!lock) throw new Error(`there is no lock at node ${order.node}`);
	if (order.fault) Object.assign(lock.fault, order.fault);
	else if (order.keypad) return keypad(lock, order.keypad);
	else if (order.by_hand) {
		const { slot: number, code } = order.by_hand;
		setSlot(lock, number, code);
		await tell(lock, code === null ? EVENT.codeDeleted : EVENT.codeAdded, number);
	} else throw new Error("this stick does not know that order");
	return { ok: true };
}

// The year day schedules (kind 1) of its users; schedule 1 of each.
function schedules(lock) {
	const schedule = (user) => ({ user, ...lock.node.state.get(`ScheduleEntryLock_schedule_${user}_1_1`) });
	return Array.from({ length: lock.setup.slots }, (_, n) => schedule(n + 1)).filter((one) => one.startYear !== undefined);
}

async function keypad(lock, code) {
	const found = slots(lock).find((slot) => slot.status === 1 && slot.code === code);
	if (!found) return { opened: false };
	lock.node.state.set("DoorLock_currentMode", 0);
	if (lock.setup.codes_by === "user_credential") {
		const { userId } = lock.node.state.get(`UserCredential_cred_${PIN_CODE}_${found.slot}`);
		const eventParameters = Uint8Array.from([0, userId, 1, PIN_CODE, 0, found.slot]);
		await report(lock, new NotificationCCReport({
			nodeId: 1, notificationType: 6, notificationEvent: EVENT.credentialUnlock, eventParameters,
		})).catch(() => {});
	} else {
		await tell(lock, EVENT.keypadUnlock, found.slot);
	}
	return { opened: true, slot: found.slot };
}

const shown = (lock) => ({
	node: lock.setup.node,
	slots: slots(lock),
	schedules: schedules(lock),
	clock: lock.clock?.shown,
	locked: lock.node.state.get("DoorLock_currentMode") === 0xff,
	frames: lock.frames,
	commands: lock.commands,
});

const listen = (server) => new Promise((done) => {
	server.listen(0, "127.0.0.1", () => done(`127.0.0.1:${server.address().port}`));
});
console.log(JSON.stringify({ listening: await listen(serialApi), control: await listen(control) }));
