// service.js PORT: says hello to each client.
require("node:net")
  .createServer((client) => client.end("hello"))
  .listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
