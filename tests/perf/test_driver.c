/*
 * The protocol drivers, byte by byte: what they say in a hand-shake and in a publish, and what they
 * make of what a server says, cut anywhere.
 */
#include "driver.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* What a driver says in its hand-shake, in turn with what it hears. */
struct exchange {
    const char *hears; /* NULL: nothing, it begins */
    const char *says;
};

static struct str said(const char *bytes, size_t size)
{
    return (struct str){bytes, size};
}

/* The first unit of a text, which must be all of it. */
static struct unit only_unit(const struct driver *d, struct str bytes)
{
    struct unit unit;
    assert_int_equal(d->next(bytes.data, bytes.size, &unit), bytes.size);
    return unit;
}

static void play(const struct driver *d, struct dialogue who, const struct exchange *turns,
                 size_t count)
{
    char out[DRIVER_SAY_MAX];
    size_t size;
    for (size_t i = 0; i < count; i++) {
        struct unit heard;
        if (turns[i].hears)
            heard = only_unit(d, said(turns[i].hears, strlen(turns[i].hears)));
        enum greet_result result = d->greet(&who, turns[i].hears ? &heard : NULL, out, &size);
        assert_str(said(out, size), said(turns[i].says, strlen(turns[i].says)));
        assert_int_equal(result, i + 1 == count ? GREET_DONE : GREET_ON);
    }
}

#define PLAY(driver, dialogue, turns) play(&(driver), (dialogue), (turns), COUNT_OF(turns))

/* Whatever is cut off, the unit is not there yet, and nothing behind the cut is looked at. */
static void assert_cut_waits(const struct driver *d, struct str bytes)
{
    struct unit unit;
    for (size_t n = 0; n < bytes.size; n++) {
        char *copy = malloc(n + 1); /* of its own, so that reading beyond it is seen */
        memcpy(copy, bytes.data, n);
        copy = realloc(copy, n > 0 ? n : 1);
        assert_int_equal(d->next(copy, n, &unit), 0);
        free(copy);
    }
}

static void assert_kind(const struct driver *d, struct str bytes, enum unit_kind kind)
{
    assert_int_equal(only_unit(d, bytes).kind, kind);
    assert_cut_waits(d, bytes);
}

static void assert_delivery(const struct driver *d, struct str bytes, struct str text)
{
    struct unit unit = only_unit(d, bytes);
    assert_int_equal(unit.kind, UNIT_DELIVERY);
    assert_str(said(unit.text, unit.text_size), text);
    assert_cut_waits(d, bytes);
}

static void assert_publish(const struct driver *d, uint32_t room, struct str expected)
{
    char out[64 + DRIVER_AROUND_MAX];
    size_t size = d->publish(out, room, "Hello-World_0123", 16);
    assert_str(said(out, size), expected);
}

static void assert_ping(const struct driver *d, struct str expected)
{
    char out[DRIVER_SAY_MAX];
    size_t size = d->ping(out);
    assert_str(said(out, size), expected);
}

/* ---- the hub: lines ---- */

static void line_hand_shake(void **state)
{
    static const struct exchange lobby[] = {
        {NULL, ""},
        {"* Welcome to the chat room! Your chat ID is client-7. 3 others are here.\n",
         "/ping bench\n"},
        {"* client-8 joined\n", ""},
        {"* pong bench\n", ""},
    };
    static const struct exchange room[] = {
        {NULL, ""},
        {"* Welcome to the chat room! Your chat ID is client-7. You are the first here.\n",
         "/join #r00042\n/part #lobby\n/ping bench\n"},
        {"* You joined #r00042. You are the first here.\n", ""},
        {"* pong bench\n", ""},
    };
    (void)state;
    PLAY(driver_line, (struct dialogue){.listens = true}, lobby);
    PLAY(driver_line, ((struct dialogue){.room = 42, .listens = true}), room);
}

static void line_units(void **state)
{
    const struct driver *d = &driver_line;
    (void)state;
    assert_publish(d, 3, STR("Hello-World_0123\n"));
    assert_ping(d, STR("/ping bench\n"));
    assert_delivery(d, STR("client-12: abc-_def\n"), STR("abc-_def"));
    assert_delivery(d, STR("#r00042 client-12: abc\n"), STR("abc"));
    assert_kind(d, STR("* client-3 joined\n"), UNIT_OTHER);
    assert_kind(d, STR("* pong bench\n"), UNIT_PONG);
    assert_kind(d, STR("! No such command\n"), UNIT_ERROR);
    assert_kind(d, STR("* 120 messages skipped: this connection reads too slowly.\n"), UNIT_ERROR);
    assert_kind(d, STR("client-3 * waves\n"), UNIT_OTHER);
}

static void a_line_without_an_end_is_no_protocol(void **state)
{
    static char endless[DRIVER_UNIT_MAX];
    struct unit unit;
    (void)state;
    memset(endless, 'x', sizeof endless);
    assert_int_equal(driver_line.next(endless, sizeof endless - 1, &unit), 0);
    assert_true(driver_line.next(endless, sizeof endless, &unit) == SIZE_MAX);
}

/* ---- the hub: JSON ---- */

static void json_hand_shake(void **state)
{
    static const struct exchange room[] = {
        {NULL, ""},
        {"* Welcome to the chat room! Your chat ID is client-7. You are the first here.\n",
         "/wire json\n/join #r00001\n/part #lobby\n/ping bench\n"},
        {"{\"type\":\"welcome\",\"id\":7}\n", ""},
        {"{\"type\":\"pong\",\"time\":\"2024-01-01T00:00:00.000Z\",\"token\":\"bench\"}\n", ""},
    };
    (void)state;
    PLAY(driver_json, ((struct dialogue){.room = 1, .listens = true}), room);
}

static void json_units(void **state)
{
    const struct driver *d = &driver_json;
    (void)state;
    assert_publish(d, 3, STR("Hello-World_0123\n"));
    assert_delivery(d,
                    STR("{\"type\":\"message\",\"room\":\"#lobby\",\"from\":\"client-1\",\"id\":1,"
                        "\"seq\":5,\"time\":\"2024\",\"text\":\"abc-_def\"}\n"),
                    STR("abc-_def"));
    assert_kind(d, STR("{\"type\":\"message\",\"seq\":5}\n"), UNIT_OTHER);
    assert_kind(d, STR("{\"type\":\"message\",\"text\":\"abc\n"), UNIT_OTHER);
    assert_kind(d, STR("{\"type\":\"join\",\"from\":\"x\"}\n"), UNIT_OTHER);
    assert_kind(d, STR("{\"type\":\"error\",\"text\":\"no\"}\n"), UNIT_ERROR);
    assert_kind(d, STR("{\"type\":\"gap\",\"skipped\":3}\n"), UNIT_ERROR);
    assert_kind(d, STR("! too many\n"), UNIT_ERROR);
}

/* ---- Redis ---- */

static void resp_hand_shake(void **state)
{
    static const struct exchange talker[] = {
        {NULL, "*1\r\n$4\r\nPING\r\n"},
        {"+PONG\r\n", ""},
    };
    static const struct exchange listener[] = {
        {NULL, "*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\nr00005\r\n*1\r\n$4\r\nPING\r\n"},
        {"*3\r\n$9\r\nsubscribe\r\n$6\r\nr00005\r\n:1\r\n", ""},
        {"*2\r\n$4\r\npong\r\n$0\r\n\r\n", ""},
    };
    static const struct exchange both[] = {
        {NULL, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\nr00005\r\n"
               "*1\r\n$4\r\nPING\r\n"},
        {"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nmodules\r\n*0\r\n", ""},
        {">3\r\n$9\r\nsubscribe\r\n$6\r\nr00005\r\n:1\r\n", ""},
        {"+PONG\r\n", ""},
    };
    (void)state;
    PLAY(driver_resp, (struct dialogue){.talks = true}, talker);
    PLAY(driver_resp, ((struct dialogue){.room = 5, .listens = true}), listener);
    PLAY(driver_resp, ((struct dialogue){.room = 5, .listens = true, .talks = true}), both);
}

static void resp_units(void **state)
{
    const struct driver *d = &driver_resp;
    (void)state;
    assert_publish(d, 7, STR("*3\r\n$7\r\nPUBLISH\r\n$6\r\nr00007\r\n$16\r\nHello-World_0123\r\n"));
    assert_delivery(d, STR("*3\r\n$7\r\nmessage\r\n$6\r\nr00007\r\n$3\r\nabc\r\n"), STR("abc"));
    assert_delivery(d, STR(">3\r\n$7\r\nmessage\r\n$6\r\nr00007\r\n$3\r\na\nc\r\n"), STR("a\nc"));
    assert_kind(d, STR(":1000\r\n"), UNIT_OTHER);
    assert_kind(d, STR("$-1\r\n"), UNIT_OTHER);
    assert_kind(d, STR("*-1\r\n"), UNIT_OTHER);
    assert_kind(d, STR("-ERR unknown command\r\n"), UNIT_ERROR);
}

static void resp_refuses_what_is_none(void **state)
{
    const struct str bad[] = {
        STR("$99999999\r\n"),
        STR("*99999\r\n"),
        STR("$x\r\n\r\n"),
        STR("\r\n"),
        STR("$-7\r\n"),
        STR("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
    };
    struct unit unit;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_true(driver_resp.next(bad[i].data, bad[i].size, &unit) == SIZE_MAX);
}

/* ---- NATS ---- */

static void nats_hand_shake(void **state)
{
#define CONNECT                                                                                    \
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"lang\":\"c\","                 \
    "\"name\":\"chatroom_bench\"}\r\n"
    static const struct exchange listener[] = {
        {NULL, ""},
        {"INFO {\"server_id\":\"x\"} \r\n", CONNECT "SUB r00012 1\r\nPING\r\n"},
        {"PONG\r\n", ""},
    };
    static const struct exchange talker[] = {
        {NULL, ""},
        {"INFO {}\r\n", CONNECT "PING\r\n"},
        {"PONG\r\n", ""},
    };
    (void)state;
    PLAY(driver_nats, ((struct dialogue){.room = 12, .listens = true}), listener);
    PLAY(driver_nats, (struct dialogue){.talks = true}, talker);
}

static void nats_units(void **state)
{
    const struct driver *d = &driver_nats;
    char out[DRIVER_SAY_MAX];
    (void)state;
    assert_publish(d, 99999, STR("PUB r99999 16\r\nHello-World_0123\r\n"));
    assert_delivery(d, STR("MSG r00001 1 5\r\na\r\nbc\r\n"), STR("a\r\nbc"));
    assert_delivery(d, STR("MSG r00001 1 0\r\n\r\n"), STR(""));
    assert_kind(d, STR("-ERR 'Slow Consumer'\r\n"), UNIT_ERROR);
    assert_kind(d, STR("+OK\r\n"), UNIT_OTHER);
    struct unit ping = only_unit(d, STR("PING\r\n"));
    assert_int_equal(ping.kind, UNIT_PING);
    assert_int_equal(d->keepalive, 6);
    assert_str(said(out, d->pong(out, &ping)), STR("PONG\r\n"));
    assert_true(d->next("MSG r00001 1 99999\r\n", 20, &ping) == SIZE_MAX);
}

/* ---- MQTT ---- */

/* Has NUL bytes, so it cannot be told by play(). */
static void mqtt_hand_shake(void **state)
{
    const struct driver *d = &driver_mqtt;
    struct dialogue who = {.id = 17, .room = 3, .listens = true};
    char out[DRIVER_SAY_MAX];
    size_t size;
    (void)state;
    assert_int_equal(d->greet(&who, NULL, out, &size), GREET_ON);
    assert_str(said(out, size), STR("\x10\x13\0\4MQTT\4\2\0\0\0\7bench17"));
    struct unit heard = only_unit(d, STR("\x20\2\0\0"));
    assert_int_equal(d->greet(&who, &heard, out, &size), GREET_ON);
    assert_str(said(out, size), STR("\x82\x0b\0\1\0\6r00003\0"));
    heard = only_unit(d, STR("\x90\3\0\1\0"));
    assert_int_equal(d->greet(&who, &heard, out, &size), GREET_ON);
    assert_str(said(out, size), STR("\xc0\0"));
    heard = only_unit(d, STR("\xd0\0"));
    assert_int_equal(d->greet(&who, &heard, out, &size), GREET_DONE);
}

static void mqtt_units(void **state)
{
    const struct driver *d = &driver_mqtt;
    struct unit unit;
    (void)state;
    assert_publish(d, 1, STR("\x30\x18\0\6r00001Hello-World_0123"));
    assert_delivery(d, STR("\x30\x0b\0\6r00001abc"), STR("abc"));
    assert_kind(d, STR("\xd0\0"), UNIT_PONG);
    assert_kind(d, STR("\x20\2\0\5"), UNIT_ERROR);
    assert_kind(d, STR("\x90\3\0\1\x80"), UNIT_ERROR);
    assert_true(d->next("\x30\xff\xff\xff\xff", 5, &unit) == SIZE_MAX);
    assert_true(d->next("\x30\1\0", 3, &unit) == SIZE_MAX);
    assert_true(d->next("\x30\3\0\6r", 5, &unit) == SIZE_MAX);
}

/* From 128 bytes on, the length takes two. */
static void mqtt_long_texts(void **state)
{
    char text[300];
    char out[sizeof text + DRIVER_AROUND_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    size_t size = driver_mqtt.publish(out, 0, text, sizeof text);
    assert_str(said(out, 3), STR("\x30\xb4\2"));
    assert_int_equal(size, 3 + 8 + sizeof text);
    assert_delivery(&driver_mqtt, said(out, size), said(text, sizeof text));
}

/* ---- IRC ---- */

static void irc_hand_shake(void **state)
{
    static const struct exchange turns[] = {
        {NULL, "NICK b9\r\nUSER b9 0 * :bench\r\n"},
        {":irc.example.net 001 b9 :Welcome\r\n", ""},
        {":irc.example.net 422 b9 :There is no motd\r\n", "JOIN #r00004\r\n"},
        {":b9!b9@127.0.0.1 JOIN :#r00004\r\n", ""},
        {":irc.example.net 366 b9 #r00004 :End\r\n", "PING bench\r\n"},
        {":irc.example.net PONG irc.example.net :bench\r\n", ""},
    };
    (void)state;
    PLAY(driver_irc, ((struct dialogue){.id = 9, .room = 4, .listens = true}), turns);
}

static void irc_units(void **state)
{
    const struct driver *d = &driver_irc;
    char out[DRIVER_SAY_MAX];
    (void)state;
    assert_publish(d, 8, STR("PRIVMSG #r00008 :Hello-World_0123\r\n"));
    assert_delivery(d, STR(":b1!b1@127.0.0.1 PRIVMSG #r00008 :abc\r\n"), STR("abc"));
    assert_kind(d, STR(":b1!b1@127.0.0.1 QUIT :gone\r\n"), UNIT_OTHER);
    assert_kind(d, STR(":irc.example.net 433 * b1 :Nickname already in use\r\n"), UNIT_ERROR);
    assert_kind(d, STR(":irc.example.net 422 b1 :no motd\r\n"), UNIT_OTHER);
    assert_kind(d, STR("ERROR :Closing link\r\n"), UNIT_ERROR);
    struct unit ping = only_unit(d, STR("PING :irc.example.net\r\n"));
    assert_int_equal(ping.kind, UNIT_PING);
    assert_str(said(out, d->pong(out, &ping)), STR("PONG :irc.example.net\r\n"));
    ping = only_unit(d, STR(":irc.example.net PING 1a2b\r\n"));
    assert_str(said(out, d->pong(out, &ping)), STR("PONG 1a2b\r\n"));
}

/* ---- WebSocket ---- */

static void ws_hand_shake(void **state)
{
    const struct driver *d = &driver_ws;
    struct dialogue who = {.room = 6, .listens = true, .talks = true};
    char out[DRIVER_SAY_MAX];
    size_t size;
    (void)state;
    assert_int_equal(d->greet(&who, NULL, out, &size), GREET_ON);
    assert_str(said(out, 23), STR("GET /r00006 HTTP/1.1\r\nH"));
    assert_non_null(memmem(out, size, "\r\nSec-WebSocket-Key: ", 21));
    assert_str(said(out + size - 4, 4), STR("\r\n\r\n"));
    struct unit heard = only_unit(d, STR("HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\n"));
    assert_int_equal(d->greet(&who, &heard, out, &size), GREET_ON);
    assert_str(said(out, 2), STR("\x89\x85"));
    heard = only_unit(d, STR("\x8a\5bench"));
    assert_int_equal(d->greet(&who, &heard, out, &size), GREET_DONE);
}

/* Every frame of a client is masked; unmasked it is the text. */
static void ws_masks(void **state)
{
    char text[300];
    char out[sizeof text + DRIVER_AROUND_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    size_t size = driver_ws.publish(out, 0, text, sizeof text);
    assert_str(said(out, 4), STR("\x81\xfe\x01\x2c"));
    assert_int_equal(size, 4 + 4 + sizeof text);
    assert_memory_not_equal(out + 8, text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(out[8 + i] ^ out[4 + i % 4], text[i]);
    assert_int_equal(driver_ws.publish(out, 0, text, 125), 2 + 4 + 125);
    assert_int_equal((unsigned char)out[1], 0x80 | 125);
}

static void ws_units(void **state)
{
    static char large[4 + 300] = "\x81\x7e\x01\x2c";
    const struct driver *d = &driver_ws;
    struct unit unit;
    (void)state;
    memset(large + 4, 'x', 300);
    assert_delivery(d, STR("\x81\3abc"), STR("abc"));
    assert_delivery(d, said(large, sizeof large), said(large + 4, 300));
    assert_kind(d, STR("\x8a\0"), UNIT_PONG);
    assert_kind(d, STR("\x89\4ping"), UNIT_PING);
    assert_kind(d, STR("\x88\2\3\xe8"), UNIT_ERROR);
    assert_kind(d, STR("HTTP/1.1 404 Not Found\r\n\r\n"), UNIT_ERROR);
    assert_true(d->next("\x01\1a", 3, &unit) == SIZE_MAX);
    assert_true(d->next("\x81\x7f\0\0\0\0\0\0\0\1a", 11, &unit) == SIZE_MAX);
    assert_true(d->next("\x81\x81\1\2\3\4a", 7, &unit) == SIZE_MAX);
}

/* ---- all of them ---- */

static void every_driver_can_be_found(void **state)
{
    static const char *const names[] = {"line", "json", "resp", "nats", "mqtt", "irc", "ws"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_string_equal(driver_at(i)->name, names[i]);
        assert_ptr_equal(driver_find(names[i]), driver_at(i));
    }
    assert_null(driver_at(COUNT_OF(names)));
    assert_null(driver_find("smtp"));
}

/* The longest text, in a publish and around it, stays within what the header promises. */
static void no_driver_writes_more_than_it_says(void **state)
{
    static char text[DRIVER_TEXT_MAX];
    static char out[DRIVER_TEXT_MAX + DRIVER_AROUND_MAX];
    const struct driver *d;
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; (d = driver_at(i)); i++) {
        assert_true(d->text_max <= DRIVER_TEXT_MAX);
        size_t size = d->publish(out, DRIVER_ROOMS_MAX - 1, text, d->text_max);
        assert_in_range(size, d->text_max + 1, d->text_max + DRIVER_AROUND_MAX);
        assert_in_range(d->ping(out), 1, DRIVER_SAY_MAX);
    }
}

/* Whatever comes, a driver reads nothing beyond it, and takes no more than there is. */
static void no_driver_falls_over_noise(void **state)
{
    static const char alphabet[] = "\r\n:*$%>!#{}\x81\x30\x7e\xff\0\1 12MSGPINGHTTP";
    struct unit_random random = {.state = 3};
    const struct driver *d;
    (void)state;
    for (size_t i = 0; (d = driver_at(i)); i++)
        for (int round = 0; round < 20000; round++) {
            size_t size = unit_below(&random, 40);
            char *noise = malloc(size + 1);
            struct unit unit = {.text = NULL};
            for (size_t k = 0; k < size; k++)
                noise[k] = alphabet[unit_below(&random, sizeof alphabet - 1)];
            noise = realloc(noise, size > 0 ? size : 1);
            size_t n = d->next(noise, size, &unit);
            assert_true(n <= size || n == SIZE_MAX);
            if (n > 0 && n != SIZE_MAX) {
                assert_true(unit.text >= noise);
                assert_true(unit.text + unit.text_size <= noise + n);
            }
            free(noise);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_hand_shake),
        cmocka_unit_test(line_units),
        cmocka_unit_test(a_line_without_an_end_is_no_protocol),
        cmocka_unit_test(json_hand_shake),
        cmocka_unit_test(json_units),
        cmocka_unit_test(resp_hand_shake),
        cmocka_unit_test(resp_units),
        cmocka_unit_test(resp_refuses_what_is_none),
        cmocka_unit_test(nats_hand_shake),
        cmocka_unit_test(nats_units),
        cmocka_unit_test(mqtt_hand_shake),
        cmocka_unit_test(mqtt_units),
        cmocka_unit_test(mqtt_long_texts),
        cmocka_unit_test(irc_hand_shake),
        cmocka_unit_test(irc_units),
        cmocka_unit_test(ws_hand_shake),
        cmocka_unit_test(ws_masks),
        cmocka_unit_test(ws_units),
        cmocka_unit_test(every_driver_can_be_found),
        cmocka_unit_test(no_driver_writes_more_than_it_says),
        cmocka_unit_test(no_driver_falls_over_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
