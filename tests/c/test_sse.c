/* Event streams of chat completions, folded: whole, broken off, and odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/sse.h"
#include "test_memory.h"

#define HI                                                                                         \
    "data: "                                                                                       \
    "{\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"       \
    "\"Hi\"}}]}"
#define YOU                                                                                        \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "                                  \
    "you\"},\"finish_reason\":\"stop\"}]}"

static const struct {
    const char *why, *body;
    const char *holds; /* what the folded completion contains; NULL: refused */
    bool done;
    unsigned events, garbled;
} streams[] = {
    { "deltas are joined", HI "\n\n" YOU "\n\ndata: [DONE]\n\n", "\"content\":\"Hi you\"", true, 2,
      0 },
    { "CRLF and comments", ": ping\r\n\r\n" HI "\r\n\r\n: x\r\n" YOU "\r\n\r\n", "Hi you", true, 2,
      0 },
    { "broken off inside an event", HI "\n\ndata: {\"choices\":[{\"ind", "\"content\":\"Hi\"",
      false, 1, 1 },
    { "broken off right behind one", HI "\n\n" YOU, "Hi you", true, 2, 0 },
    { "usage of the last chunk", HI "\n\ndata: {\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n",
      "\"usage\":{\"total_tokens\":7}", false, 2, 0 },
    { "an error in the stream", "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
      "\"error\":{\"message\":\"overloaded\"}", false, 1, 0 },
    { "tool calls are joined",
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\","
      "\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
      "{\"arguments\":\":1}\"}}]}}]}\n\n",
      "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"", false, 2, 0 },
    { "an index out of all bounds",
      "data: {\"choices\":[{\"index\":99999,\"delta\":{\"content\":\"x\"}}]}\n\n", "\"choices\":[]",
      false, 1, 0 },
    { "calls without an index are told apart by their ids",
      "data: {\"choices\":[{\"delta\":{\"tool_calls\":["
      "{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
      "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"[\"}}]}}]}\n\n"
      "data: "
      "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"]\"}}]}}]}\n\n",
      "[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
      "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"[]\"}}]",
      false, 2, 0 },
    { "several choices, in the order of their indices",
      "data: "
      "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}"
      "\n\n",
      "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":"
      "\"length\"},"
      "{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":\"b\"},\"finish_reason\":"
      "\"stop\"}]",
      true, 2, 0 },
    { "one of two choices has not ended",
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},"
      "{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n",
      "\"content\":\"b\"", false, 1, 0 },
    { "an empty event and a padded end", HI "\n\ndata:\n\ndata: \n\ndata: [DONE] \n\n", "Hi", true,
      1, 0 },
    { "no space behind the colon", "data:{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
      "\"content\":\"x\"", false, 1, 0 },
    { "lines that end in CR", HI "\r\r" YOU "\r\r", "Hi you", true, 2, 0 },
    { "a byte order mark", "\xEF\xBB\xBF" HI "\n\n", "\"content\":\"Hi\"", false, 1, 0 },
    { "an event over two data lines", "event: x\nid: 7\ndata: {\"choices\":\ndata: []}\n\n",
      "\"choices\":[]", false, 1, 0 },
    { "reasoning and a refusal are apart from the content",
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"refusal\":\"no\"}}]}\n\n",
      "\"content\":null,\"refusal\":\"no\",\"reasoning_content\":\"hm\"", false, 1, 0 },
    { "an event with invalid UTF-8 is counted", HI "\n\ndata: {\"x\":\"\xFF\"}\n\n", "Hi", false, 1,
      1 },
    { "the last usage counts",
      "data: {\"choices\":[],\"usage\":{\"n\":1}}\n\ndata: "
      "{\"choices\":[],\"usage\":{\"n\":12345678901234567890}}\n\n"
      "data: {\"choices\":[],\"usage\":null}\n\n",
      "\"usage\":{\"n\":12345678901234567890}}", false, 3, 0 },
    { "nothing readable", "data: nonsense\n\n", NULL, false, 0, 1 },
    { "no events", "<html>", NULL, false, 0, 0 },
};

static void streams_are_folded(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        nl_buf out;
        nl_sse_report report;
        nl_err err;
        nl_buf_init(&out);
        bool ok = nl_sse_fold(streams[i].body, strlen(streams[i].body), &out, &report, &err);
        if (ok != (streams[i].holds != NULL) || (ok && !strstr(out.data, streams[i].holds)))
            fail_msg("%s: got %s", streams[i].why, ok ? out.data : err.msg);
        if (report.done != streams[i].done || report.events != streams[i].events ||
            report.garbled != streams[i].garbled)
            fail_msg("%s: done %d, events %u, garbled %u", streams[i].why, report.done,
                     report.events, report.garbled);
        nl_buf_release(&out);
    }
}

/* A reply that lacks a piece must not pass as whole: whichever allocation fails, one or all. */
static void a_reply_cut_by_memory_is_no_reply(void **state) {
    (void)state;
    static const char body[] = HI
        "\n\n"
        "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" and more than "
        "fits into the sixty-four bytes that a buffer starts with\",\"refusal\":\"no\","
        "\"reasoning_content\":\"hm\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":"
        "{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"n\":1},\"error\":{\"message\":\"x\"}}\n\n";
    nl_buf whole;
    nl_sse_report report;
    nl_buf_init(&whole);
    assert_true(nl_sse_fold(body, sizeof body - 1, &whole, &report, NULL));
    for (int once = 0; once < 2; once++) {
        bool done = false;
        for (long i = 0; !done; i++) {
            nl_buf out;
            nl_err err = { .code = NL_OK };
            nl_buf_init(&out);
            if (once)
                test_memory_fail_once(i);
            else
                test_memory_fail(i);
            bool ok = nl_sse_fold(body, sizeof body - 1, &out, &report, &err);
            test_memory_fail(-1);
            done = !test_memory_failed();
            if (ok && strcmp(out.data, whole.data) != 0)
                fail_msg("allocation %ld: %s", i, out.data);
            if (ok != done || (!ok && err.code != NL_NOMEM))
                fail_msg("allocation %ld: %s", i, ok ? "folded" : err.msg);
            nl_buf_release(&out);
        }
    }
    nl_buf_release(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_folded),
        cmocka_unit_test(a_reply_cut_by_memory_is_no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
