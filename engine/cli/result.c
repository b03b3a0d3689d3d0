#include "cli/result.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/json.h"

#include "base/banned.h"

struct nlsql_result {
    int code;
    char *json, *why;
    nl_json *tree;
    const nl_json_node *root; /* NULL: no answer */
    size_t n_columns, n_rows;
    const char **columns;
    const char **cells; /* n_rows times n_columns; NULL: SQL's NULL */
};

static const char *text_or_null(const nl_json_node *node) {
    return node && (node->type == NL_JSON_STRING || node->type == NL_JSON_NUMBER) ? node->text
                                                                                  : NULL;
}

/* The list `key`, or one without elements. */
static const nl_json_node *list_of(const nl_json_node *root, const char *key) {
    static const nl_json_node none = { .type = NL_JSON_ARRAY };
    const nl_json_node *node = nl_json_get(root, key);
    return node && node->type == NL_JSON_ARRAY ? node : &none;
}

/* Where each cell is: the tree itself has lists only. */
static bool index_rows(nlsql_result *result, nl_err *err) {
    const nl_json_node *columns = list_of(result->root, "columns");
    const nl_json_node *rows = list_of(result->root, "rows"), *node;
    size_t i = 0, c;
    if (columns->size == 0)
        return true;
    result->columns = calloc(columns->size, sizeof *result->columns);
    result->cells = calloc((size_t)rows->size * columns->size + 1, sizeof *result->cells);
    if (!result->columns || !result->cells)
        return nl_err_nomem(err);
    for (node = columns->child; node; node = node->next)
        result->columns[i++] = text_or_null(node);
    result->n_columns = columns->size;
    for (const nl_json_node *row = rows->child; row; row = row->next) {
        if (row->type != NL_JSON_ARRAY || row->size != columns->size)
            return nl_err_set(err, NL_SCRIPT, "a row of the answer has not %u cells",
                              columns->size);
        for (c = 0, node = row->child; node; node = node->next)
            result->cells[result->n_rows * columns->size + c++] = text_or_null(node);
        result->n_rows++;
    }
    return true;
}

static bool take_answer(nlsql_result *result, nl_buf *answer, nl_err *err) {
    result->tree = nl_json_read(answer->data, answer->size, 0, err);
    if (!result->tree)
        return false;
    result->root = nl_json_root(result->tree);
    if (result->root->type != NL_JSON_OBJECT)
        return nl_err_set(err, NL_SCRIPT, "the answer is no JSON object");
    if (!index_rows(result, err))
        return false;
    result->json = nl_buf_detach(answer, NULL);
    return result->json || nl_err_nomem(err);
}

nlsql_result *engine_result(int code, nl_buf *answer, const char *why) {
    nl_err err = { .code = NL_OK };
    if (!why[0])
        why = code == NLSQL_INTERRUPTED ? "interrupted" : "the script has not said why";
    nlsql_result *result = calloc(1, sizeof *result);
    if (!result)
        return NULL;
    result->code = code;
    result->why = strdup(why);
    if (!result->why || answer->failed)
        nl_err_nomem(&err);
    else if (answer->size == 0 || take_answer(result, answer, &err))
        return result;
    nlsql_result_free(result);
    if (err.code == NL_NOMEM)
        return NULL;
    nl_err_prefix(&err, "nlsql.ask: ");
    nl_log(NL_ERROR, "%s", err.msg);
    nl_buf_clear(answer);
    return engine_result(NLSQL_RUN_ERROR, answer, err.msg);
}

void nlsql_result_free(nlsql_result *result) {
    if (!result)
        return;
    nl_json_free(result->tree);
    free(result->json);
    free(result->why);
    free(result->columns);
    free(result->cells);
    free(result);
}

int nlsql_result_code(const nlsql_result *result) {
    return result ? result->code : NLSQL_RUN_ERROR;
}

int nlsql_result_ok(const nlsql_result *result) {
    return nlsql_result_code(result) == NLSQL_DONE;
}

const char *nlsql_result_sql(const nlsql_result *result) {
    return result ? nl_json_get_str(result->root, "sql") : NULL;
}

const char *nlsql_result_gate(const nlsql_result *result) {
    return result ? nl_json_get_str(result->root, "gate") : NULL;
}

const char *nlsql_result_reason(const nlsql_result *result) {
    const char *reason = result ? nl_json_get_str(result->root, "reason") : "out of memory";
    return reason || nlsql_result_ok(result) || !result ? reason : result->why;
}

size_t nlsql_result_n_columns(const nlsql_result *result) {
    return result ? result->n_columns : 0;
}

size_t nlsql_result_n_rows(const nlsql_result *result) {
    return result ? result->n_rows : 0;
}

int nlsql_result_has_more(const nlsql_result *result) {
    return result && nl_json_get_bool(result->root, "more_rows");
}

const char *nlsql_result_column(const nlsql_result *result, size_t column) {
    return result && column < result->n_columns ? result->columns[column] : NULL;
}

const char *nlsql_result_cell(const nlsql_result *result, size_t row, size_t column) {
    if (!result || row >= result->n_rows || column >= result->n_columns)
        return NULL;
    return result->cells[row * result->n_columns + column];
}

double nlsql_result_cost(const nlsql_result *result) {
    return result ? nl_json_get_num(result->root, "cost_usd", 0) : 0;
}

const char *nlsql_result_json(const nlsql_result *result) {
    return result ? result->json : NULL;
}
