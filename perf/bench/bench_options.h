/*
 * The command line of chatroom_bench.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "workload.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    OPTIONS_LIST_MAX = 32, /* of --filter, of --server-arg */
    OPTIONS_PATH_MAX = 4096,
};

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_CSV, OUTPUT_TAP };

struct options {
    struct workload load;

    char server[OPTIONS_PATH_MAX]; /* the chatroom_server to start */
    const char *backend;
    const char *filters[OPTIONS_LIST_MAX];
    size_t filter_count;
    const char *args[OPTIONS_LIST_MAX];
    size_t arg_count;
    char *const *command;       /* another server to start instead; or NULL */
    bool attach;                /* or none: one runs at `connect` */
    struct sockaddr_in connect; /* port 0: where its log says */
    pid_t pid;

    bool pin; /* the server and the load get a CPU each, if there are two */
    bool pin_given;
    int server_cpu;
    int load_cpu;

    bool syscalls; /* are to be counted */
    enum output output;
    bool progress;
};

/* Reads the command line; strings are borrowed from it. Says what is wrong with it. `*exit_now` if
 * there is nothing more to do (--help). */
int options_read(struct options *o, int argc, char **argv, bool *exit_now);

/* Descriptors that such a load takes in each of the two processes. */
unsigned options_connections(const struct options *o);

#endif
