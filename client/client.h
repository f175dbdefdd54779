/*
 * The chat client: a socket to the hub, and a pipe from a second process that reads the keyboard.
 *
 *     keyboard process             this process
 *     stdin --keys, lines--> pipe --> face --> outbox --> socket --> hub
 *                          stdout <-- face <-- session <-- event_reader <-- socket
 *
 * Standard input may block (a regular file, a slow program), so a process of its own reads it.
 * Socket, pipe and signals are event sources of one netpoll. Where the hub takes no more, the pipe
 * is not read, and so the keyboard process waits: memory stays flat in both directions.
 *
 * What it looks like is a face's (face.h); what is known of hub, rooms and self is the session's
 * (session.h), which outlives connections: one that is lost may be made again.
 *
 *     struct client *c;
 *     int status = client_connect(&c, &options);
 *     if (status == 0) {
 *         status = client_start(c);
 *         client_close(c);
 *     }
 *
 * One client per process. Statuses are exit statuses as in sysexits(3); what is behind them was
 * said on standard error.
 */
#ifndef CHATROOM_CLIENT_H
#define CHATROOM_CLIENT_H

struct client;
struct client_options;

/*
 * socket() and connect(), pipe(), the poller with both in it. From here on SIGINT, SIGTERM and
 * SIGHUP wait for client_start(), unless they are ignored. `options` is borrowed until
 * client_close(). Returns 0 and sets *out; or EX_NOHOST, EX_UNAVAILABLE, EX_OSERR. Ends the
 * program with 124 if the time limit of the options passes meanwhile. Descriptors 0 to 2 must be
 * open and SIGPIPE ignored.
 */
int client_connect(struct client **out, const struct client_options *options);

/*
 * fork(): the child reads the keyboard into the pipe and never returns from here; the parent shows
 * what the hub sends and sends what the pipe brings. Neither outlives the other.
 * Returns when the conversation is over, once per client: 0 if the user ended it, EX_UNAVAILABLE
 * if the hub did, EX_TEMPFAIL if it does not want us, EX_PROTOCOL if it is none, 124 if the time
 * was over, 128 + N if signal N did, 1 if input or output failed.
 */
int client_start(struct client *c);

/* Each role closes what it holds: the keyboard its end of the pipe; the other the socket, its end
 * of the pipe and the poller, and it waits for the keyboard's end. Frees `c`; NULL is fine. */
void client_close(struct client *c);

#endif
