#!/usr/bin/env node
// PINs set and read back by zigbee-herdsman as Zigbee2MQTT's converter does it: one half of `cargo bench --bench zigbee`.
//
//   node frames.mjs PORT CONTROL COUNT       at a `keyway virtual-stick` that runs; three seconds between two codes
//
// The last line is what it took on the air, as JSON.
import { setTimeout as sleep } from "node:timers/promises";
import { NODE, controlAt, hostOf, pinOf, setPin } from "./herdsman_host.mjs";

const [port, controlPort, count] = process.argv.slice(2);
const { ask, lockState } = controlAt(controlPort);
const { controller, interviewed, bind } = hostOf(port, "ember");

await controller.start();
await controller.permitJoin(60);
const door = (await interviewed(() => ask({ node: NODE, join: true }))).getEndpoint(1);
await bind(door);
await controller.permitJoin(0);
await sleep(7000); // it has asked for the time
const before = (await lockState()).frames;
console.log("ready");
for (let user = 1; user <= Number(count); user++) {
	await sleep(3000);
	const pin = String(100_000 + user * 7919);
	await setPin(door, user, pin);
	if ((await pinOf(door, user)) !== pin) throw new Error(`user ${user} has another PIN`);
}
await sleep(1000);
const after = (await lockState()).frames;
console.log(JSON.stringify({ from_hub: after.from_hub - before.from_hub, to_hub: after.to_hub - before.to_hub }));
process.exit(0);
