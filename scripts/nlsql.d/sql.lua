---@meta nlsql.sql
--- nlsql.sql: what a statement says. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.sql
local sql = {}

--- Reads one statement, as PostgreSQL does.
---@param text string  at most 16 kB
---@return nlsql.Statement?
---@return string? message
---@return nlsql.Code? code
function sql.parse(text) end

--- Of a text that parse cannot read: what in it the server's newer grammar may know, as a sentence.
---@param text string
---@param catalog nlsql.Catalog
---@return string?
function sql.newer(text, catalog) end

--- May a text that only the server can read be left to it, going by its words? nil and why not.
---@param text string
---@param catalog nlsql.Catalog
---@param policy nlsql.SafePolicy?
---@return true?
---@return string? reason
function sql.unread(text, catalog, policy) end

--- A parsed statement holds some 50 kB that Lua's collector does not see: say `local s <close>`.
---@class nlsql.Statement : userdata
local Statement = {}

--- Its text, less the final semicolon.
---@return string
function Statement:text() end

--- May it be sent to the database? One SELECT, nothing below it that writes, locks, sleeps or reads
--- outside the tables; nor do the views, domains, casts, operators and policies that it sets off.
---@param catalog nlsql.Catalog
---@param policy nlsql.SafePolicy?
---@return true?
---@return string? reason  "function pg_sleep is not allowed"
---@return nlsql.Code? code
function Statement:safe(catalog, policy) end

--- Its texts and numbers, in their order, and what each is compared with.
---@param catalog nlsql.Catalog?  nil: columns are not looked up
---@return nlsql.Literal[]?
---@return string? message
---@return nlsql.Code? code
function Statement:literals(catalog) end

--- The text with `values[i]` in the place of the i-th of its literals, quoted as it must be; nil and false leave one
--- as it is. Parsed again, what comes of it has the same literals but for those.
---@param values (string|false|nil)[]
---@return string?
---@return string? message
---@return nlsql.Code? code
function Statement:with(values) end

--- What is allowed besides.
---@class nlsql.SafePolicy
---@field functions string[]?        "f" as it is called, or "schema.f"; what calls them is allowed with them
---@field system_catalogs boolean?   relations of pg_catalog and information_schema
---@field foreign_tables boolean?    tables that reach outside the database
---@field newer_grammar ("refuse"|"server")?  "server": what only its newer grammar knows is left to it

--- Two queries of the same first key are the same, however spelt; of the same second one they differ
--- in literals at most.
---@return nlsql.Key exact
---@return nlsql.Key masked
function Statement:keys() end

--- What it is about.
---@param catalog nlsql.Catalog
---@param references nlsql.Reference[]?  the tables that it may use; nil: all
---@return nlsql.Facts?
---@return string? message
---@return nlsql.Code? code
function Statement:facts(catalog, references) end

--- Frees the tree. May be called again.
function Statement:close() end

---@class nlsql.Facts
---@field tables nlsql.Reference[]  in order of first mention
---@field columns string[]      "reference.column", those behind * included
---@field functions string[]    lower-case names; COALESCE, EXTRACT and their like by those names
---@field literals string[]     as SQL text without quotes
---@field constructs string[]   of join, left_join, self_join, subquery, correlated, exists, cte, recursive_cte,
---                             set_operation, aggregate, group_by, having, window, distinct, order_by, limit, …
---@field unknown string[]      sentences about what does not exist, or is not among those given
---@field ambiguous string?     a sentence about the first ambiguous column
---@field joined integer        most tables joined at one level, self-joins counted
---@field output_columns integer  0 where unknown
---@field ordered boolean       ORDER BY at the top level

---@class nlsql.Literal
---@field text string       without quotes, escapes undone
---@field number boolean
---@field op string?        "=", "in", "like", "between", "any", … or the function that it is an argument of
---@field folded string?    "lower", "upper", …: what the other side goes through
---@field table string?     the base table of the column on the other side
---@field column string?

return sql
