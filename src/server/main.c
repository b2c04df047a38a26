/* main: the program. Signals are waited for on the main thread, the server runs
 * on another, so that no code ever runs in a signal handler. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/options.h"
#include "server/server.h"
#include "sync/thread.h"

static void run_and_tell(void *server)
{
    server_run(server);
    /* The main thread waits for signals: this is how it learns of the end. */
    kill(getpid(), SIGTERM);
}

static int run(struct server *s, const sigset_t *signals)
{
    struct thread *runner;
    if (thread_start("worker-0", run_and_tell, s, &runner) != ST_OK) {
        fprintf(stderr, "engram-server: can't start a thread\n");
        return 1;
    }
    int received;
    do {
        received = sigwaitinfo(signals, NULL);
    } while (received < 0 && errno == EINTR);
    server_stop(s);
    thread_join(&runner);
    return 0;
}

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

int main(int argc, char **argv)
{
    char err[OPTION_ERROR_MAX];
    struct mem_account account;
    struct options options;
    struct server *server;
    if (argc == 2 && (strcmp(argv[1], "-v") == 0
                      || strcmp(argv[1], "--version") == 0)) {
        return print_version();
    }
    if (argc == 2 && (strcmp(argv[1], "-h") == 0
                      || strcmp(argv[1], "--help") == 0)) {
        return print_usage();
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    mem_account_init_shared(&account);
    if (options_init_defaults(&options, &account) != ST_OK) {
        fprintf(stderr, "engram-server: out of memory\n");
        return 1;
    }
    if (!options_load_args(&options, argc - 1, argv + 1, err, sizeof err)) {
        fprintf(stderr, "%s\n", err);
        options_deinit(&options);
        return 1;
    }
    if (options.dir[0] != 0 && chdir(options.dir) != 0) {
        fprintf(stderr, "Can't chdir to '%s': %s\n", options.dir,
                strerror(errno));
        options_deinit(&options);
        return 1;
    }
    if (server_create(&options, options.config_path, &server, err, sizeof err)
        != ST_OK) {
        fprintf(stderr, "engram-server: %s\n", err);
        options_deinit(&options);
        return 1;
    }
    options_deinit(&options);
    int rc = run(server, &signals);
    server_destroy(&server);
    return rc;
}
