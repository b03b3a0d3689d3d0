---@meta nlsql.catalog
--- nlsql.catalog: what introspection sees. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.catalog
local catalog = {}

--- Reads the database's catalog. Waits. A schema that does not exist is "not_found", with those that
--- do; a pattern that matches no table is "config", with the nearest; a catalog without tables is no error.
---@param db nlsql.Db
---@param options nlsql.CatalogOptions?
---@return nlsql.Catalog?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function catalog.load(db, options) end

--- A pattern names tables: `order*`, `Sales.*`, `log_20??`; ASCII letters match in either case, but
--- between double quotes every character stands for itself. Without a schema it is any that is read.
---@class nlsql.CatalogOptions
---@field schemas string[]?  nil: those of the search path
---@field include string[]?  patterns of the tables to read; nil or empty: all
---@field exclude string[]?  patterns of those to leave out: then they are nowhere

--- Can `include` and `exclude` have this pattern?
---@param text string
---@return true?
---@return string? message
---@return nlsql.Code? code "config"
function catalog.pattern(text) end

--- A rough count of the tokens of a text: for cutting prompts and forecasts.
---@param text string
---@return integer
function catalog.tokens(text) end

--- The identifier as SQL has to write it: quoted where case, characters or a keyword need it.
---@param name string
---@return string
function catalog.quote(name) end

--- A database's tables, as they were when it was loaded. Immutable, but for relations added by hand.
---@class nlsql.Catalog : userdata
local Catalog = {}

--- References of all tables, by schema and name.
---@return nlsql.Reference[]
function Catalog:names() end

--- Schemas that were read, in the search path's order.
---@return string[]
function Catalog:schemas() end

--- Schemas that hold tables and were not read.
---@return string[]
function Catalog:other_schemas() end

--- Tables left out, since we may not SELECT from any of their columns.
---@return string[]
function Catalog:denied() end

--- The server's version: "15.6" and 150006.
---@return string
---@return integer
function Catalog:version() end

--- The table that a person or a model means: quoted or not, with a schema or not, in any case. Nil
--- where there is none, or more than one.
---@param text string
---@return nlsql.Reference?
function Catalog:find(text) end

--- The table whose bare name is nearest to that of `text`; nil where none is near.
---@param text string
---@return nlsql.Reference?
function Catalog:nearest(text) end

--- What is known of one table, as a fresh Lua table; nil where there is none of that reference.
---@param ref nlsql.Reference
---@return nlsql.Table?
function Catalog:table(ref) end

--- The foreign keys between tables that were read.
---@return nlsql.Edge[]
function Catalog:edges() end

--- Adds a foreign key that the database does not declare. False where that key is there already;
--- "invalid" where a column does not exist. Raises for tables that there are not.
---@param from nlsql.Reference
---@param columns string[]
---@param to nlsql.Reference
---@param referred_columns string[]  as many
---@return boolean? fresh
---@return string? message
---@return nlsql.Code? code
function Catalog:relate(from, columns, to, referred_columns) end

--- The schema as text. Over max_tokens there go, one after the other: lesser constraints and row
--- counts; comments; columns that are in no key; whole tables from the end. Raises for a table that
--- there is not.
---@param options nlsql.RenderOptions
---@return string? text
---@return string? cut       a sentence that says what was left out, nil where nothing was; or the message
---@return integer|nlsql.Code? tokens  of the text, roughly; or the code
function Catalog:render(options) end

---@class nlsql.RenderOptions
---@field format "json"|"ddl"|"markdown"?  json where it is missing
---@field tables nlsql.Reference[]?        nil: all
---@field max_tokens integer?              nil or 0: no cap

---@class nlsql.Table
---@field schema string
---@field name string           as the catalog has it, unquoted
---@field reference nlsql.Reference
---@field kind "table"|"partitioned"|"view"|"materialised view"|"foreign"
---@field comment string?
---@field rows number           the server's estimate; -1: never analysed, or a view
---@field oid integer           of pg_class
---@field columns nlsql.Column[]   those that we may read, by position
---@field primary string[]?     columns of the primary key
---@field uniques string[][]    columns of each unique key
---@field foreign nlsql.ForeignKey[]
---@field checks nlsql.CheckConstraint[]

---@class nlsql.Column
---@field name string           as the catalog has it, unquoted
---@field type string           as written: "numeric(10,2)", "mood", "text[]"
---@field base_type string      of a domain: what it stands for; else the type
---@field category string       pg_type.typcategory of the base type: N number, S text, D date, B boolean, …
---@field number integer        pg_attribute.attnum
---@field comment string?
---@field label string?         SECURITY LABEL FOR anon, as it was given
---@field default string?       its expression
---@field not_null boolean
---@field identity boolean
---@field generated boolean
---@field null_fraction number? share of rows in which it is NULL; nil: not analysed
---@field distinct number?      as pg_stats.n_distinct: below 0, a fraction of the rows, negated; 0: unknown
---@field labels string[]?      of an enum, in order
---@field common string[]?      the most common values, as text; data: never for a prompt

---@class nlsql.CheckConstraint
---@field name string
---@field expression string     "CHECK ((price > 0))"

---@class nlsql.ForeignKey
---@field name string
---@field declared boolean              false: somebody wrote it by hand (relations: in the configuration)
---@field columns string[]
---@field referred_columns string[]     as many, in the same order
---@field referred nlsql.Reference?     nil where that table was not read

---@class nlsql.Edge : nlsql.ForeignKey
---@field from nlsql.Reference
---@field to nlsql.Reference

return catalog
