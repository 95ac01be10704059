#!/usr/bin/env node
// zigbee-herdsman, which Zigbee2MQTT is built on, as the host of a stick that is not its own: it forms a network, a lock joins
// and is asked who it is, takes a PIN, shows it, and is heard when somebody is at the door.
//
//   node herdsman.mjs ember keyway virtual-stick --radio zigbee --listen 127.0.0.1:0 --control 127.0.0.1:0 --setup
//   node herdsman.mjs zstack keyway virtual-stick --radio zigbee --adapter znp --listen …
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NODE, controlAt, expect, folder, hostOf, setPin } from "./herdsman_host.mjs";

const [adapter, program, ...args] = process.argv.slice(2);
const USER = 3;

// The stick, and its control port.
const setup = join(folder, "setup.json");
writeFileSync(setup, JSON.stringify({ version: 14, locks: [{ node: NODE, name: "Front door", joined: false, motor_ms: 50 }] }));
const stick = spawn(program, [...args, setup], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => stick.kill());
const [first] = await new Promise((done) => createInterface(stick.stdout).once("line", (line) => done([JSON.parse(line)])));
const { ask, lockState } = controlAt(first.control);
const { controller, until, interviewed, bind } = hostOf(first.listening, adapter);

expect("the network is new", (await controller.start()) === "reset");
const { network } = await ask({ get: "state" });
expect("the network is where the host wants it", network.pan === 0x1a62 && network.channel === 15);

await controller.permitJoin(60);
const device = await interviewed(() => ask({ node: NODE, join: true }));
expect("who it is", device.manufacturerName === "Yale" && device.modelID === "YRD226 TSDB");
console.log(`${adapter}: formed on channel ${network.channel}, ${device.modelID} is in`);

const door = device.getEndpoint(1);
const before = (await lockState()).frames;
const began = performance.now();
const set = await setPin(door, USER, "471100");
expect("the PIN is taken", set.status === 0);
const shown = await door.command("closuresDoorLock", "getPinCode", { userid: USER });
const took = performance.now() - began;
expect("it is shown", shown.userid === USER && Buffer.from(shown.pincodevalue).toString() === "471100");
const after = (await lockState()).frames;
expect("the lock has it", (await lockState()).slots.some(({ slot, code }) => slot === USER && code === "471100"));
console.log(JSON.stringify({ set_and_read_ms: Math.round(took), from_hub: after.from_hub - before.from_hub, to_hub: after.to_hub - before.to_hub }));

await bind(door);
const heard = until("the keypad is heard", "message", ({ type }) => type === "commandOperationEventNotification");
expect("it opens", (await ask({ node: NODE, keypad: "471100" })).opened);
const { data } = await heard;
expect("who it was", data.opereventsrc === 0 && data.opereventcode === 2 && data.userid === USER);
const cleared = await door.command("closuresDoorLock", "clearPinCode", { userid: USER });
expect("it is taken out", cleared.status === 0 && (await lockState()).slots.length === 0);
console.log("a PIN set, shown, used and taken out");
// Without the farewell to a stick that has done its part.
process.exit(0);
