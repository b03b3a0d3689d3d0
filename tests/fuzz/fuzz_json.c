/* JSON: what can be read can be written, and reads back as the same; a value's span is where the
 * reader says that it ends. */
#include <string.h>

#include "data/json.h"
#include "fuzz.h"

#include "base/banned.h"

enum { DEPTH = 100 };

static void write_node(nl_json_writer *w, const nl_json_node *node);

static void write_children(nl_json_writer *w, const nl_json_node *node) {
    uint32_t n = 0;
    for (const nl_json_node *child = node->child; child; child = child->next, n++) {
        if (node->type == NL_JSON_OBJECT)
            MUST(nl_json_key_n(w, child->key, child->key_size));
        write_node(w, child);
    }
    MUST(n == node->size);
}

static void write_node(nl_json_writer *w, const nl_json_node *node) {
    switch (node->type) {
    case NL_JSON_NULL:
        MUST(nl_json_put_null(w));
        break;
    case NL_JSON_FALSE:
    case NL_JSON_TRUE:
        MUST(nl_json_put_bool(w, node->type == NL_JSON_TRUE));
        break;
    case NL_JSON_NUMBER:
        MUST(nl_json_put_number(w, node->text, node->size));
        break;
    case NL_JSON_STRING:
        MUST(node->text[node->size] == '\0');
        MUST(nl_json_str_n(w, node->text, node->size));
        break;
    case NL_JSON_ARRAY:
        MUST(nl_json_open_array(w));
        write_children(w, node);
        MUST(nl_json_close_array(w));
        break;
    case NL_JSON_OBJECT:
        MUST(nl_json_open_object(w));
        write_children(w, node);
        MUST(nl_json_close_object(w));
        break;
    }
}

static void write_all(nl_buf *out, const nl_json *json) {
    nl_json_writer w;
    nl_buf_init(out);
    nl_json_writer_init(&w, out);
    write_node(&w, nl_json_root(json));
    MUST(nl_json_writer_done(&w, NULL));
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void check_span(const char *text, size_t size, bool valid) {
    size_t first = 0, last = size;
    while (first < last && is_space(text[first]))
        first++;
    while (last > first && is_space(text[last - 1]))
        last--;
    if (first == last || (text[first] != '{' && text[first] != '['))
        return;
    size_t span = nl_json_span(text + first, size - first);
    MUST(span <= size - first);
    if (span)
        MUST(text[first + span - 1] == '}' || text[first + span - 1] == ']');
    if (valid)
        MUST(span == last - first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    nl_err err = { .code = NL_OK };
    nl_json *json = nl_json_read(text, size, DEPTH, &err);
    check_span(text, size, json != NULL);
    if (!json) {
        MUST(err.code != NL_OK && err.msg[0] != '\0');
        return 0;
    }
    MUST(nl_utf8_valid(text, size));

    nl_buf once, twice;
    write_all(&once, json);
    nl_json *again = nl_json_read(once.data, once.size, DEPTH, &err);
    MUST(again);
    write_all(&twice, again);
    MUST(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);

    nl_buf_release(&once);
    nl_buf_release(&twice);
    nl_json_free(again);
    nl_json_free(json);
    return 0;
}
