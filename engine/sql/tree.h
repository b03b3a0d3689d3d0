/* tree.h: reading libpg_query's JSON trees.
 *
 * Two shapes occur. A field that PostgreSQL declares as Node* holds the node wrapped in an object
 * with one member named after its struct: {"ColumnRef": {…}}. A field with a struct's own type
 * ("alias", "withClause", "larg" of a SelectStmt) holds the struct's members directly. Members
 * with a default value (zero, NULL, false, an empty list) are left out; a NULL inside a list is {}.
 * Only for engine/sql. */
#ifndef NL_SQL_TREE_H
#define NL_SQL_TREE_H

#include <string.h>

#include "base/buf.h"
#include "data/json.h"
#include "sql/parse.h"

/* A wrapped node's struct name and its members; {NULL, NULL} where it is none. */
typedef struct {
    const char *type;
    size_t size; /* of type */
    const nl_json_node *body;
} nl_tree;

nl_tree nl_tree_open(const nl_json_node *wrapped);

/* The member `key` of an object, or NULL. Keys do not repeat in these trees: the first counts. */
const nl_json_node *nl_tree_find(const nl_json_node *node, const char *key, size_t size);
#define NL_GET(node, literal) nl_tree_find(node, literal, sizeof(literal) - 1)

/* Is it a node of this struct? */
#define NL_IS(tree, literal)                                                                       \
    ((tree).size == sizeof(literal) - 1 && memcmp((tree).type, literal, sizeof(literal) - 1) == 0)

/* The string member, or NULL. */
const char *nl_tree_str(const nl_json_node *node, const char *key);
/* Is the string member `key` equal to `value`? */
bool nl_tree_has(const nl_json_node *node, const char *key, const char *value);
bool nl_tree_flag(const nl_json_node *node, const char *key);
/* Byte offset in the text that was parsed; -1 where the node has no place of its own. */
long nl_tree_location(const nl_json_node *body);

/* The text of a wrapped String node ("" for an empty one), or NULL where it is no String. */
const char *nl_tree_string(const nl_json_node *wrapped);
/* First child of an array member, or NULL. */
const nl_json_node *nl_tree_list(const nl_json_node *node, const char *key);
size_t nl_tree_count(const nl_json_node *first);
const nl_json_node *nl_tree_last(const nl_json_node *first);
/* Last name of a list of Strings: the function's in pg_catalog.lower. NULL where there is none. */
const char *nl_tree_last_name(const nl_json_node *names);
/* For a list of one or two names: the name, with its schema in *schema (NULL: none given).
 * NULL where the list is of any other length. */
const char *nl_tree_name(const nl_json_node *names, const char **schema);

typedef enum {
    NL_CONST_NULL,
    NL_CONST_BOOL,
    NL_CONST_INT,
    NL_CONST_FLOAT,
    NL_CONST_STRING,
    NL_CONST_BITS
} nl_const_kind;

/* An A_Const's value as text, without quotes ("-5", "true", "it's"). *text points into the tree
 * or into `room`. Integers of zero or less, which this version of the library writes without
 * their value, are read from the statement's source. */
nl_const_kind nl_tree_const(const nl_sql *sql, const nl_json_node *a_const, const char **text,
                            size_t *size, char room[32]);

/* The text that was given to the library, which locations count in. */
const char *nl_sql_source(const nl_sql *sql, size_t *size);

#endif
