// A room is a path. What a client says goes to all others on the path, one send() after the other.
const { createServer } = require("http");
const { createRequire } = require("module");
const { WebSocketServer } = createRequire(process.env.CHATROOM_PEERS + "/")("ws");

const rooms = new Map();
const server = createServer();
const wss = new WebSocketServer({ server, perMessageDeflate: false });

wss.on("connection", (ws, request) => {
  ws._socket.setNoDelay(true);
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(ws));
  ws.on("message", (data) => {
    for (const other of room) if (other !== ws) other.send(data, { binary: false });
  });
  ws.on("close", () => room.delete(ws));
});
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
