/* echo: a server that stores nothing and answers +OK to every command, so that
 * the machine's own noise can be measured with the load that a real one gets. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

/* Serves 127.0.0.1:port until the process is ended. */
_Noreturn void echo_run(int port);

#endif
