/* gate_nodes.h: the parse tree's nodes and members that a harmless query is made of.
 * Only for engine/sql. */
#ifndef NL_SQL_GATE_NODES_H
#define NL_SQL_GATE_NODES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    NL_MEMBER_PLAIN, /* a number, word or flag that needs no look */
    NL_MEMBER_NODES, /* a wrapped node or a list of them */
    NL_MEMBER_STRUCT /* the members of a struct of type `of` */
} nl_member_kind;

typedef struct {
    const char *name;
    nl_member_kind kind;
    const char *of;
} nl_gate_member;

/* What is looked at besides the members. */
typedef enum {
    NL_LOOK_NONE,
    NL_LOOK_FUNCTION,
    NL_LOOK_OPERATOR,
    NL_LOOK_EQUALS, /* an operator, or an = that is not written */
    NL_LOOK_RELATION,
    NL_LOOK_TYPE,
    NL_LOOK_COLUMN,
    NL_LOOK_FIELD,
    NL_LOOK_CAST,
    NL_LOOK_SESSION,
    NL_LOOK_SAMPLE,
    NL_LOOK_CTE,
    NL_LOOK_QUERY
} nl_gate_look;

typedef struct {
    const char *type;
    nl_gate_look look;
    const nl_gate_member *members; /* ends with a NULL name */
} nl_gate_node;

/* The node's row, or NULL where it is not one that a harmless query has. */
const nl_gate_node *nl_gate_node_find(const char *type);
const nl_gate_member *nl_gate_member_find(const nl_gate_node *node, const char *name, size_t size);

#endif
