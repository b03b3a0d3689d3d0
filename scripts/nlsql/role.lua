--- role: what the login role may do besides reading, and the SQL that makes one that only reads.

local console = require "nlsql.console"

local role = {}

--- Roles of the server's own whose members do more than read tables; not every version has each.
local PREDEFINED = { "pg_checkpoint", "pg_create_subscription", "pg_execute_server_program", "pg_maintain",
  "pg_read_server_files", "pg_signal_autovacuum_worker", "pg_signal_backend", "pg_write_all_data", "pg_write_server_files" }

local ATTRIBUTES = {
  { "rolsuper", "it is a superuser" }, { "rolcreatedb", "it may create databases" },
  { "rolcreaterole", "it may create roles" }, { "rolreplication", "it may start replication" },
  { "rolbypassrls", "it is not bound by row-level security" },
}

--- The role itself: its name, its attributes, and the roles with power that it is a member of.
local WHO = [[
SELECT r.rolname, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls,
  (SELECT pg_catalog.string_agg(m.rolname, ', ' ORDER BY m.rolname) FROM pg_catalog.pg_roles m
   WHERE m.oid <> r.oid AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER') AND (m.rolsuper OR m.rolcreatedb
     OR m.rolcreaterole OR m.rolreplication OR m.rolbypassrls OR m.rolname = ANY (pg_catalog.string_to_array($1, ','))))
FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER]]

--- What it may change, as kind and name; an owner's rights are told as that. Kinds sort as they are told.
local MAY = [[
WITH space AS (
  SELECT n.oid, n.nspname, n.nspowner, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS creates
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
), relation AS (
  SELECT c.oid, c.relkind, pg_catalog.format('%s.%s', s.nspname, c.relname) AS name,
    pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned
  FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), may AS (
  SELECT 1 AS kind, d.datname AS name FROM pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database() AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
  UNION ALL SELECT 2, name FROM relation WHERE owned AND relkind <> 'S'
  UNION ALL SELECT 3, name FROM relation WHERE NOT owned AND relkind <> 'S' AND
    (pg_catalog.has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
     OR pg_catalog.has_any_column_privilege(oid, 'INSERT, UPDATE'))
  UNION ALL SELECT 4, name FROM relation -- of a table it is an error, and WHERE has no order
    WHERE CASE WHEN relkind = 'S' THEN pg_catalog.has_sequence_privilege(oid, 'USAGE, UPDATE') END
  UNION ALL SELECT 5, nspname FROM space WHERE creates AND NOT pg_catalog.has_schema_privilege('public', oid, 'CREATE')
  UNION ALL SELECT 6, nspname FROM space WHERE pg_catalog.has_schema_privilege('public', oid, 'CREATE')
  UNION ALL SELECT 7, d.datname FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    AND pg_catalog.has_database_privilege(d.oid, 'CREATE') AND NOT pg_catalog.pg_has_role(d.datdba, 'USAGE')
)
SELECT kind, pg_catalog.count(*), pg_catalog.min(name) FROM may GROUP BY kind ORDER BY kind]]

--- Singular and plural of what each kind of MAY means.
local WORDS = {
  { "it owns the database" }, { "it owns the table", "it owns %d tables" }, { "it may write to", "it may write to %d tables" },
  { "it may move the sequence", "it may move %d sequences" },
  { "it may create in schema", "it may create in %d schemas" },
  { "as everybody (PUBLIC) it may create in schema", "as everybody (PUBLIC) it may create in %d schemas" },
  { "it may create schemas in" },
}

local function said(kind, n, name)
  if n == 1 or not WORDS[kind][2] then return ("%s %s"):format(WORDS[kind][1], name) end
  return ("%s (%s, …)"):format(WORDS[kind][2]:format(n), name)
end

--- What the role that `db` logs in as may do besides reading, each as "it …"; an empty list: nothing that is
--- looked for. nil, message, code where the server could not be asked.
---@param db nlsql.Db
---@return string[]? findings
---@return string name_or_message  the role's name
---@return nlsql.Code? code
function role.look(db)
  local who, message, code = db:query(WHO, { table.concat(PREDEFINED, ",") })
  if not who then return nil, message, code end
  local row, out = who.rows[1], {}
  for i, attribute in ipairs(ATTRIBUTES) do
    if row[i + 1] == "t" then out[#out + 1] = attribute[2] end
  end
  if row[2] == "t" then return { out[1] }, row[1] end -- all the rest follows
  if type(row[7]) == "string" then out[#out + 1] = "it is a member of " .. row[7] end
  local may
  may, message, code = db:query(MAY)
  if not may then return nil, message, code end
  for _, one in ipairs(may.rows) do out[#out + 1] = said(tonumber(one[1]), tonumber(one[2]), one[3]) end
  return out, row[1]
end

--- Looks at the login role at the start of what runs a model's SQL: one line of warning where it may do more
--- than read. nil, message, code where the settings want no such role. Says nothing of the demo's.
---@param db nlsql.Db
---@param settings table
---@return boolean? ok
---@return string? message
---@return nlsql.Code? code
function role.check(db, settings)
  if settings.demo then return true end
  local found, name, code = role.look(db)
  if not found then return nil, name, code end
  if #found == 0 then return true end
  local told = ("the role %s may do more than read: %s"):format(name, table.concat(found, "; "))
  if settings.require_readonly_role then
    return nil, told .. " (require_readonly_role; nlsql role prints one that only reads)", "db"
  end
  console.warn(told .. " (nlsql role prints one that only reads)")
  return true
end

--- --- nlsql role ------------------------------------------------------------------------------------

--- A name as SQL has it; always in quotes, so that no keyword, capital or quote changes its meaning.
local function quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

--- A name within a comment, which ends with its line.
local function plain(name) return (name:gsub("%c", "?")) end

--- What is wrong with a role's name; nil where nothing is.
---@param name string
---@return string?
function role.fault(name)
  if name == "" or name:find("\0", 1, true) then return "a role needs a name" end
  if #name > 63 then return ("the name is %d bytes long: PostgreSQL keeps 63"):format(#name) end
  if name:find("^pg_") or name == "public" or name == "none" then
    return ("%s is a name that PostgreSQL keeps for itself"):format(name)
  end
  return nil
end

---@class nlsql.RoleWish
---@field name string
---@field exists boolean           it is there already
---@field database string
---@field schemas string[]         that are read
---@field tables string[][]?       schema and table of each that is read; nil: all of the schemas
---@field open_schemas string[]    in which PUBLIC may create
---@field sessions integer         connections that a run may have; scans of the data open some more

local HEAD = [[
-- A role that only reads %s, for nlsql. As a superuser, or as who owns the database:
--   nlsql role | psql --dbname=%s
-- It has no password yet: \password in psql sets one. Tables made later are not among the grants.
]]

--- Statements that bound what the role's sessions take, whoever uses it.
local BOUNDS = {
  { "default_transaction_read_only", "on" }, { "statement_timeout", "'60s'" }, { "lock_timeout", "'5s'" },
  { "idle_in_transaction_session_timeout", "'2min'" },
}

--- SQL that makes the role. It holds no password.
---@param wish nlsql.RoleWish
---@return string
function role.sql(wish)
  local name, out = quoted(wish.name), {}
  local function add(text, ...) out[#out + 1] = text:format(...) end
  add(HEAD, plain(wish.database), plain(wish.database))
  add("BEGIN;")
  add("%s ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT %d;",
    wish.exists and "ALTER" or "CREATE", name, 2 * wish.sessions + 4)
  for _, bound in ipairs(BOUNDS) do add("ALTER ROLE %s SET %s = %s;", name, bound[1], bound[2]) end
  add("GRANT CONNECT ON DATABASE %s TO %s;", quoted(wish.database), name)
  for _, schema in ipairs(wish.schemas) do
    add("GRANT USAGE ON SCHEMA %s TO %s;", quoted(schema), name)
    if not wish.tables then add("GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s;", quoted(schema), name) end
  end
  for _, one in ipairs(wish.tables or {}) do
    add("GRANT SELECT ON TABLE %s.%s TO %s;", quoted(one[1]), quoted(one[2]), name)
  end
  add("COMMIT;")
  add("-- Only a superuser may set this one.")
  add("ALTER ROLE %s SET temp_file_limit = '2GB';", name)
  for _, schema in ipairs(wish.open_schemas) do
    add("-- Everybody may create in schema %s, and so may this role. To end that for all but its owner:", plain(schema))
    add("-- REVOKE CREATE ON SCHEMA %s FROM PUBLIC;", plain(quoted(schema)))
  end
  return table.concat(out, "\n") .. "\n"
end

local ABOUT = [[
SELECT pg_catalog.current_database(), EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)]]

local OPEN = [[
SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_'
  AND pg_catalog.has_schema_privilege('public', oid, 'CREATE') ORDER BY nspname]]

--- Prints the SQL of a role that reads what a run with these settings reads.
---@param name string
---@param world { db: nlsql.Db, schema: nlsql.Catalog }
---@param settings table
---@return integer code
function role.run(name, world, settings)
  local about, message = world.db:query(ABOUT, { name })
  local open
  if about then open, message = world.db:query(OPEN) end
  if not about or not open then
    console.error(message)
    return 4
  end
  local wish = { name = name, database = about.rows[1][1], exists = about.rows[1][2] == "t", schemas = world.schema:schemas(),
    open_schemas = {}, sessions = settings.db_concurrent_sessions }
  for i, row in ipairs(open.rows) do wish.open_schemas[i] = row[1] end
  if settings.tables then
    wish.tables = {}
    for i, ref in ipairs(world.schema:names()) do
      local t = world.schema:table(ref)
      wish.tables[i] = { t.schema, t.name }
    end
  end
  console.out(role.sql(wish))
  return 0
end

return role
