#!/usr/bin/env node
// zwave-js's own driver as a program that does nothing with it: one part of `cargo bench --bench footprint`.
//
//   SETUP='{"keys":{…}}' node rest.mjs PORT CACHE       at a `keyway virtual-stick` that runs; CACHE is its folder
//
// It tells when the driver is ready, and when all locks are, and runs until SIGTERM.
import { driverAt } from "./host.mjs";

const [port, cache] = process.argv.slice(2);
const driver = driverAt(port, JSON.parse(process.env.SETUP).keys, cache);
driver.once("driver ready", () => console.log("driver ready"));
driver.once("all nodes ready", () => console.log("all nodes ready"));
process.on("SIGTERM", async () => {
	await driver.destroy();
	process.exit(0);
});
await driver.start();
