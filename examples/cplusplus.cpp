// cplusplus: the library from C++. The header is C++ too; a callback may be a
// lambda that captures nothing, its state goes through `arg`.
//
//   cplusplus [URL]
#include <iostream>
#include <string>
#include <vector>

#include <engram/cluster.h>
#include <engram/engram.h>

int main(int argc, char **argv)
{
    engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.reconnect = 0;
    engram_conn *c = engram_conn_create(&o, nullptr);
    engram_loop *loop = engram_loop_create();
    if (c == nullptr || loop == nullptr ||
        engram_loop_add(loop, c) != ENGRAM_OK ||
        engram_conn_open(c) != ENGRAM_OK) {
        return 1;
    }
    std::vector<std::string> answers;
    auto keep = [](engram_conn *, engram_status st, const engram_reply *reply,
                   void *arg) {
        std::size_t len = 0;
        const char *text =
            st == ENGRAM_OK ? engram_reply_text(reply, &len) : "";
        static_cast<std::vector<std::string> *>(arg)->emplace_back(text, len);
    };
    const std::string value = "from C++";
    engram_send(c, nullptr, keep, &answers, "SET cplusplus %b", value.data(),
                value.size());
    engram_send(c, nullptr, keep, &answers, "GET cplusplus");
    engram_conn_finish(c);
    engram_loop_run(loop);
    engram_conn_destroy(&c);
    engram_loop_destroy(&loop);
    for (const std::string &answer : answers) {
        std::cout << answer << '\n';
    }
    return answers.size() == 2 && answers[1] == value ? 0 : 1;
}
