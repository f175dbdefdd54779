// A room is a path. What a client says goes to all others on the path: uWebSockets' publish().
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const room = new URL(request.url).pathname;
    if (server.upgrade(request, { data: { room } })) return undefined;
    return new Response("a WebSocket is needed\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 1 << 30,
    idleTimeout: 0,
    open(ws) { ws.subscribe(ws.data.room); },
    message(ws, text) { ws.publish(ws.data.room, text); },
  },
});
