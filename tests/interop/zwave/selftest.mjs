#!/usr/bin/env node
// `npm test`: zwave-js's own driver as the host of stick.mjs. When an interop test fails, this tells whether the stick
// is at fault: here every lock is interviewed to the end, and a code is set, read back, typed at the keypad and cleared
// on it, without Keyway's driver.
//
// `npm test -- keyway virtual-stick --listen 127.0.0.1:0 --control 127.0.0.1:0 --setup` does the same with our own
// virtual stick: a judge of it that we did not write.
import { InterviewStage } from "zwave-js";
import { expect, host, tryCodes } from "./host.mjs";

const stick = await host();
for (const { node: id } of stick.setup.locks) {
	const node = stick.driver.controller.nodes.getOrThrow(id);
	if (!node.ready) await new Promise((done) => node.once("interview completed", done));
	expect("interviewed to the end", node.interviewStage === InterviewStage.Complete);
	await tryCodes(node, stick);
}
expect("no host errors", ((await stick.ask({ get: "state" })).host_errors ?? []).length === 0);
// Without the driver's farewell, which on a slow machine ends in an AbortError of its own.
process.exit(0);
