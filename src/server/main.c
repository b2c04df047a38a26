/* main: the program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/options.h"
#include "server/proc_title.h"
#include "server/process.h"
#include "server/server.h"
#include "server/signals.h"
#include "server/supervise.h"

static int print_version(void)
{
    printf("Engram server v=%s\n", ENGRAM_VERSION);
    return 0;
}

static int print_usage(void)
{
    puts("Usage: engram-server [/path/to/engram.conf] [options] [-]\n"
         "       engram-server - (read the configuration from stdin)\n"
         "       engram-server -v or --version\n"
         "       engram-server -h or --help\n"
         "\n"
         "Options are those of the file, as --name value:\n"
         "       engram-server --port 7777 --worker-threads 2\n"
         "       engram-server /etc/engram.conf --loglevel verbose");
    return 0;
}

/* False: `err` is the message to print. */
static bool load(struct options *o, int argc, char **argv, char *err,
                 size_t cap)
{
    if (!options_load_args(o, argc - 1, argv + 1, err, cap)) {
        return false;
    }
    if (o->dir[0] != 0 && chdir(o->dir) != 0) {
        snprintf(err, cap, "Can't chdir to '%s': %s", o->dir, strerror(errno));
        return false;
    }
    return true;
}

/* Makes a server and runs it; what to exit with. */
static int serve(const struct options *o, struct proc_title *title)
{
    char err[OPTION_ERROR_MAX];
    struct server *server;
    int status, ready_fd = -1;
    signals_prepare();
    if (o->daemonize && supervise_find((enum supervisor)o->supervised)
                            == SUPERVISOR_NONE) {
        switch (process_detach(&ready_fd, &status)) {
        case PROCESS_PARENT:
            return status;
        case PROCESS_FAILED:
            fprintf(stderr, "engram-server: can't go into the background: %s\n",
                    strerror(errno));
            return 1;
        case PROCESS_CHILD:
            break;
        }
    }
    if (server_create(o, o->config_path, &server, err, sizeof err) != ST_OK) {
        fprintf(stderr, "engram-server: %s\n", err);
        return 1;
    }
    if (ready_fd >= 0) {
        process_ready(ready_fd);
    }
    server_set_title(server, title);
    status = signals_serve(server);
    server_destroy(&server);
    return status;
}

int main(int argc, char **argv)
{
    char err[OPTION_ERROR_MAX];
    struct mem_account account;
    struct options options;
    struct proc_title title;
    if (argc == 2 && (strcmp(argv[1], "-v") == 0
                      || strcmp(argv[1], "--version") == 0)) {
        return print_version();
    }
    if (argc == 2 && (strcmp(argv[1], "-h") == 0
                      || strcmp(argv[1], "--help") == 0)) {
        return print_usage();
    }
    mem_account_init_shared(&account);
    if (options_init_defaults(&options, &account) != ST_OK) {
        fprintf(stderr, "engram-server: out of memory\n");
        return 1;
    }
    int status = 1;
    if (load(&options, argc, argv, err, sizeof err)) {
        proc_title_init(&title, &account, argc, argv);
        status = serve(&options, &title);
    } else {
        fprintf(stderr, "%s\n", err);
    }
    options_deinit(&options);
    return status;
}
