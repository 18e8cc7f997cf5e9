// A service for one test, on a port that was free a moment ago: `node --test`.
const assert = require("node:assert");
const child = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const test = require("node:test");

function listening(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

// As get-port does: listen on port 0, read the number, close.
async function pickedPort() {
  const server = await listening(0);
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// What another test starts meanwhile: endpoints on ports of the kernel's choice, a tenth of the quarter of its range
// that it gives a socket with SO_REUSEADDR first.
async function cluster() {
  const [low, high] = fs.readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
  return Promise.all(Array.from({ length: Math.floor((high - low + 1) / 40) }, () => listening(0)));
}

test("the service answers", async () => {
  const port = await pickedPort();
  const endpoints = await cluster();
  const service = child.spawn(process.execPath, [path.join(__dirname, "service.js"), port], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const first = await Promise.race([
      new Promise((resolve) => service.stdout.once("data", resolve)),
      new Promise((resolve) => service.once("exit", (status) => resolve(`exit status ${status}`))),
    ]);
    assert.strictEqual(String(first), "ready\n");
    const answer = await new Promise((resolve, reject) =>
      net.connect(port, "127.0.0.1").once("data", resolve).once("error", reject));
    assert.strictEqual(String(answer), "hello");
  } finally {
    service.kill();
    endpoints.forEach((endpoint) => endpoint.close());
  }
});
