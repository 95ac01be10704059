#!/usr/bin/env node
// zwave-js's own driver adds locks fresh from their box to the network of our virtual stick, and takes them out again:
//
//   node include.mjs keyway virtual-stick --listen 127.0.0.1:0 --control 127.0.0.1:0 --setup
import { SecurityClass } from "@zwave-js/core";
import { ExclusionStrategy, InclusionStrategy } from "zwave-js";
import { expect, host, tryCodes } from "./host.mjs";

const stick = await host((setup) => ({ ...setup, locks: [] }));
const { controller } = stick.driver;

const S2 = [SecurityClass.S2_AccessControl, SecurityClass.S2_Authenticated, SecurityClass.S2_Unauthenticated];
for (const [security, strategy, granted] of [
	[["s2_access_control", "s2_authenticated", "s2_unauthenticated"], InclusionStrategy.Security_S2, S2],
	[["s2_access_control"], InclusionStrategy.Security_S2, [SecurityClass.S2_AccessControl]],
	[["s0"], InclusionStrategy.Security_S0, [SecurityClass.S0_Legacy]],
	[[], InclusionStrategy.Insecure, []],
]) {
	const { label, pin } = await stick.ask({ unbox: { name: "New", security, flirs: false } });
	let shown;
	const userCallbacks = {
		grantSecurityClasses: async (requested) => requested,
		validateDSKAndEnterPIN: async (rest) => {
			shown = rest;
			return pin;
		},
		abort() {},
	};
	const added = new Promise((done) => controller.once("node added", (node, result) => done({ node, result })));
	expect("inclusion begun", await controller.beginInclusion({ strategy, userCallbacks }));
	const { node, result } = await added;
	expect("secure", result.lowSecurity !== true || granted.length === 0);
	if (strategy === InclusionStrategy.Security_S2) expect("the label", pin + shown === label);
	for (const securityClass of granted) expect(`has class ${securityClass}`, node.hasSecurityClass(securityClass));
	if (!node.ready) await new Promise((done) => node.once("interview completed", done));
	await tryCodes(node, stick);

	const removed = new Promise((done) => controller.once("node removed", done));
	expect("exclusion begun", await controller.beginExclusion({ strategy: ExclusionStrategy.ExcludeOnly }));
	await stick.ask({ node: node.id, press: true });
	expect("taken out", (await removed).id === node.id);
	expect("gone", (await stick.lockState(node.id)) === undefined);
	console.log(`node ${node.id}: added with [${security}], and taken out`);
}
// Without the driver's farewell, which on a slow machine ends in an AbortError of its own.
process.exit(0);
