#!/usr/bin/env node
// Seam's official SDK against a running hub: what its documentation promises, step by step; a line a step, and exit
// code 0 only if every step holds.
//
//   node flow.mjs ENDPOINT API_KEY [PACKAGE]
//
// PACKAGE is `seam` (the current SDK) or `seam-older`: they ask for the same things by different methods. The hub needs
// two locks that answer.
import { createServer } from "node:http";

const [endpoint, apiKey, sdk = "seam"] = process.argv.slice(2);
const { Seam, SeamWebhook } = await import(sdk);
const seam = new Seam({ endpoint, apiKey });
const started = new Date();
const nobody = "00000000-0000-7000-8000-000000000000";
let failed = 0;

async function step(name, run) {
	try {
		const kept = await run();
		console.log(`ok      ${name}`);
		return kept;
	} catch (error) {
		failed += 1;
		console.log(`FAILED  ${name}: ${error.code ?? error.constructor.name}: ${error.message}`);
		console.log((error.stack ?? "").split("\n").filter((line) => line.includes("flow.mjs")).join("\n"));
	}
}
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
function holds(truth, what) {
	if (!truth) throw new Error(`not so: ${what}`);
}
async function until(what, ask, seconds = 30) {
	for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await pause(200)) {
		const found = await ask();
		if (found) return found;
	}
	throw new Error(`waited ${seconds} s in vain: ${what}`);
}
async function refused(type, call, status = 400) {
	let error;
	try {
		await call();
	} catch (caught) {
		error = caught;
	}
	holds(error, "it is refused");
	if (error.statusCode !== status || (type && error.code !== type)) throw error;
	holds(status === 401 || error.message.length > 10, "the error says what is wrong");
	holds(/^[0-9a-f-]{36}$/.test(error.requestId), `a request id: ${error.requestId}`);
	return error;
}

// The document "Creating an access grant using devices".

const [front, gate] = await step("devices are listed with what they can do, and each is found by its id", async () => {
	const devices = (await seam.devices.list()).filter((device) => device.can_program_online_access_codes);
	holds(devices.length >= 2, "two locks take codes");
	for (const device of devices) {
		holds(device.display_name && device.properties.online, "a name, and online");
		const found = await seam.devices.get({ device_id: device.device_id });
		holds(found.display_name === device.display_name, "the same by its id");
	}
	return devices;
});

const jane = await step("a user identity is made and read", async () => {
	const made = await seam.userIdentities.create({
		full_name: "Jane Doe",
		email_address: "jane@example.com",
		user_identity_key: `jane ${sdk}`,
	});
	const read = await seam.userIdentities.get({ user_identity_id: made.user_identity_id });
	holds(read.full_name === "Jane Doe" && read.email_address === "jane@example.com", "as it was given");
	return made;
});

const grant = await step("a grant for two devices is made", async () => {
	const [starts_at, ends_at] = [inSeconds(2), inSeconds(3600)];
	const made = await seam.accessGrants.create({
		user_identity_id: jane.user_identity_id,
		device_ids: [front.device_id, gate.device_id],
		requested_access_methods: [{ mode: "code" }],
		starts_at,
		ends_at,
	});
	holds(made.starts_at === starts_at && made.ends_at === ends_at, "its times, to the millisecond");
	holds(made.user_identity_id === jane.user_identity_id && made.display_name, "whose it is, and a name");
	const [method] = made.requested_access_methods;
	holds(method.mode === "code" && method.display_name && method.created_access_method_ids.length === 1, "its method");
	return made;
});

const method = await step("its access method is issued, and has the code", async () => {
	const [access_method_id] = grant.requested_access_methods[0].created_access_method_ids;
	const issued = await until("it is issued", async () => {
		const read = await seam.accessMethods.get({ access_method_id });
		return read.is_issued && read;
	});
	holds(issued.mode === "code" && /^\d{4,8}$/.test(issued.code) && issued.issued_at, "a PIN, and when");
	return issued;
});

await step("the event access_method.issued tells of it", async () => {
	const issued = await until("the event", async () => {
		const events = await seam.events.list({ event_type: "access_method.issued", since: started.toISOString() });
		return events.find((event) => event.access_method_id === method.access_method_id);
	});
	const read = await seam.events.get({ event_id: issued.event_id });
	holds(read.event_type === "access_method.issued" && read.created_at === issued.created_at, "the same by its id");
});

await step("inside its window every door has the code, proven", async () => {
	for (const device of [front, gate]) {
		await until("its code is set", async () => {
			const codes = await seam.accessCodes.list({ device_id: device.device_id });
			return codes.some((code) => code.code === method.code && code.status === "set");
		});
	}
});

await step("grants are found by person, by device and by id", async () => {
	for (const filter of [{ user_identity_id: jane.user_identity_id }, { device_id: front.device_id }]) {
		const found = await seam.accessGrants.list(filter);
		holds(found.some((each) => each.access_grant_id === grant.access_grant_id), JSON.stringify(filter));
	}
	holds((await seam.accessGrants.list({ access_grant_ids: [grant.access_grant_id] })).length === 1, "a list of one");
	const methods = await seam.accessMethods.list({ access_grant_id: grant.access_grant_id });
	holds(methods.length === 1 && methods[0].access_method_id === method.access_method_id, "its methods");
});

await step("a grant's name and times are changed", async () => {
	const { access_grant_id } = grant;
	const ends_at = inSeconds(7200);
	await seam.accessGrants.update({ access_grant_id, name: "Jane's stay", ends_at });
	const read = await seam.accessGrants.get({ access_grant_id });
	holds(read.name === "Jane's stay" && read.ends_at === ends_at, "both");
});

await step("a grant makes its person along with it, and is found by the host's own key", async () => {
	const access_grant_key = `booking & more, ${sdk} é`;
	const made = await seam.accessGrants.create({
		access_grant_key,
		user_identity: { full_name: "John Doe" },
		device_ids: [front.device_id],
		requested_access_methods: [{ mode: "code" }],
		starts_at: inSeconds(600),
		ends_at: inSeconds(1200),
	});
	const john = await seam.userIdentities.get({ user_identity_id: made.user_identity_id });
	holds(john.full_name === "John Doe", "the person");
	const read = await seam.accessGrants.get({ access_grant_key });
	holds(read.access_grant_id === made.access_grant_id, "by its key");
	await seam.accessGrants.delete({ access_grant_id: made.access_grant_id });
	await refused("access_grant_not_found", () => seam.accessGrants.get({ access_grant_key }), 404);
});

// Beyond it.

await step("a door is unlocked and locked, and the attempts stay readable", async () => {
	const unlocked = await seam.locks.unlockDoor({ device_id: front.device_id });
	holds(unlocked.status === "success" && unlocked.action_type === "UNLOCK_DOOR", "the SDK waits until it is done");
	const pending = await seam.locks.lockDoor({ device_id: front.device_id }, { waitForActionAttempt: false });
	const { action_attempt_id } = pending;
	await until("locked", async () => (await seam.actionAttempts.get({ action_attempt_id })).status === "success");
	const listed = await seam.actionAttempts.list({ action_attempt_ids: [action_attempt_id, unlocked.action_attempt_id] });
	holds(listed.length === 2, "both are listed");
	const { locked } = (await seam.devices.get({ device_id: front.device_id })).properties;
	holds(locked === true, "and the device says so");
});

await step("a code is put into one lock without a grant, renamed, changed and taken out", async () => {
	const { access_code_id } = await seam.accessCodes.create({
		device_id: gate.device_id,
		name: "Cleaner",
		code: "739164",
	});
	const is = (status, code) => async () => {
		const read = await seam.accessCodes.get({ access_code_id });
		return read.status === status && read.code === code;
	};
	await until("it is set", is("set", "739164"));
	await seam.accessCodes.update({ access_code_id, name: "The cleaner", code: "739165" });
	await until("the new one is set", is("set", "739165"));
	holds((await seam.accessCodes.get({ access_code_id })).name === "The cleaner", "its new name");
	await seam.accessCodes.delete({ access_code_id });
	await until("it is out of the lock", async () => {
		const codes = await seam.accessCodes.list({ device_id: gate.device_id });
		return codes.every((code) => code.access_code_id !== access_code_id);
	});
	holds(Array.isArray(await seam.accessCodes.unmanaged.list({ device_id: gate.device_id })), "the unmanaged ones");
});

await step("a space gathers devices, and a grant for it follows them", async () => {
	const space = await seam.spaces.create({ name: "Unit 101", space_key: `unit 101 ${sdk}` });
	const { space_id } = space;
	await seam.spaces.addDevices({ space_id, device_ids: [front.device_id] });
	const stay = await seam.accessGrants.create({
		user_identity_id: jane.user_identity_id,
		space_ids: [space_id],
		requested_access_methods: [{ mode: "code" }],
		starts_at: inSeconds(600),
		ends_at: inSeconds(1200),
	});
	const doors = async () => {
		const codes = await seam.accessCodes.list({ access_grant_id: stay.access_grant_id });
		return codes.map((code) => code.device_id).sort().join();
	};
	holds((await doors()) === front.device_id, "the door of the space");
	await seam.spaces.addDevices({ space_id, device_ids: [gate.device_id] });
	holds((await doors()) === [front.device_id, gate.device_id].sort().join(), "a door that is added gets the code");
	await seam.spaces.removeDevices({ space_id, device_ids: [front.device_id] });
	holds((await doors()) === gate.device_id, "one that is taken out loses it");
	holds((await seam.spaces.list()).some((each) => each.space_id === space_id), "spaces are listed");
	await seam.spaces.update({ space_id, name: "Unit 102" });
	holds((await seam.spaces.get({ space_key: `unit 101 ${sdk}` })).name === "Unit 102", "and read by their key");
	await seam.accessGrants.delete({ access_grant_id: stay.access_grant_id });
	await seam.spaces.delete({ space_id });
	await refused("space_not_found", () => seam.spaces.get({ space_id }), 404);
});

await step("a list comes in pages when asked for, each resource once", async () => {
	const made = [];
	for (const name of ["Ada", "Ben", "Cem", "Dot", "Eve"]) {
		made.push((await seam.userIdentities.create({ full_name: name })).user_identity_id);
	}
	const pages = seam.createPaginator(seam.userIdentities.list({ limit: 2 }));
	const [first, page] = await pages.firstPage();
	holds(first.length === 2 && page.hasNextPage, "two at first, and there is more");
	const all = (await pages.flattenToArray()).map((each) => each.user_identity_id);
	holds(new Set(all).size === all.length, "none twice");
	holds(made.every((id) => all.includes(id)), "all of them");
	const whole = await seam.userIdentities.list();
	holds(whole.length === all.length, "without a limit everything comes at once");
	for (const user_identity_id of made) await seam.userIdentities.delete({ user_identity_id });
});

await step("a webhook brings events, signed so that the SDK believes them", async () => {
	const received = [];
	const server = createServer((request, response) => {
		let body = "";
		request.on("data", (part) => (body += part));
		request.on("end", () => {
			received.push({ body, headers: request.headers });
			response.writeHead(204).end();
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const url = `http://127.0.0.1:${server.address().port}/events`;
	const webhook = await seam.webhooks.create({ url, event_types: ["user_identity.created", "access_grant.created"] });
	holds(webhook.secret.startsWith("whsec_"), "a secret to check signatures with");
	const guest = await seam.accessGrants.create({
		user_identity: { full_name: "Ada" },
		device_ids: [front.device_id],
		requested_access_methods: [{ mode: "code" }],
		starts_at: inSeconds(600),
		ends_at: inSeconds(1200),
	});
	const judge = new SeamWebhook(webhook.secret);
	const event = await until("the event is delivered", () =>
		received
			.map(({ body, headers }) => judge.verify(body, headers))
			.find((each) => each.access_grant_id === guest.access_grant_id),
	);
	holds(event.event_type === "access_grant.created", "the right one");
	const forged = { ...received[0], body: received[0].body.replace("{", "{ ") };
	let believed = true;
	try {
		judge.verify(forged.body, forged.headers);
	} catch {
		believed = false;
	}
	holds(!believed, "a changed one is not believed");
	holds((await seam.webhooks.list()).some((each) => each.webhook_id === webhook.webhook_id), "webhooks are listed");
	await seam.webhooks.update({ webhook_id: webhook.webhook_id, event_types: ["device.connected"] });
	const read = await seam.webhooks.get({ webhook_id: webhook.webhook_id });
	holds(read.event_types.join() === "device.connected", "and changed");
	await seam.webhooks.delete({ webhook_id: webhook.webhook_id });
	await refused("webhook_not_found", () => seam.webhooks.get({ webhook_id: webhook.webhook_id }), 404);
	await seam.accessGrants.delete({ access_grant_id: guest.access_grant_id });
	server.close();
});

await step("the workspace is there", async () => {
	holds((await seam.workspaces.get()).workspace_id, "its id");
});

await step("what is wrong is refused in words, and by the right error", async () => {
	await refused("access_grant_not_found", () => seam.accessGrants.get({ access_grant_id: nobody }), 404);
	await refused("device_not_found", () => seam.devices.get({ device_id: nobody }), 404);
	const wrong = { user_identity_id: jane.user_identity_id, device_ids: "front", requested_access_methods: "code" };
	const invalid = await refused("invalid_input", () => seam.accessGrants.create(wrong));
	for (const field of ["device_ids", "requested_access_methods"]) {
		holds(invalid.getValidationErrorMessages(field).length > 0, `${field} is named`);
	}
	const again = { full_name: "Jane Again", user_identity_key: `jane ${sdk}`, email_address: "jane@example.com" };
	await refused(undefined, () => seam.userIdentities.create(again));
	const key = { ...wrong, device_ids: [front.device_id], requested_access_methods: [{ mode: "mobile_key" }] };
	await refused("invalid_input", () => seam.accessGrants.create(key));
	await refused("not_supported", () => seam.connectWebviews.create({ accepted_providers: ["august"] }));
	const stranger = new Seam({ endpoint, apiKey: "seam_stranger_stranger_stranger" });
	await refused(undefined, () => stranger.devices.list(), 401);
});

await step("a deleted grant is gone, and its code out of the locks", async () => {
	await seam.accessGrants.delete({ access_grant_id: grant.access_grant_id });
	await refused("access_grant_not_found", () => seam.accessGrants.get({ access_grant_id: grant.access_grant_id }), 404);
	for (const { device_id } of [front, gate]) {
		await until("the code is out of the lock", async () => {
			const codes = await seam.accessCodes.list({ device_id });
			return codes.every((code) => code.code !== method.code);
		});
	}
	await seam.userIdentities.delete({ user_identity_id: jane.user_identity_id });
});

console.log(failed === 0 ? "all hold" : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
