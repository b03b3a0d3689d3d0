--- hostile: the statements of tests/data/hostile, and what a database is like as a whole.
---
--- Each statement stands below a line "--@ GATE: what its reason holds", or "--@x …" where \xHH is a byte and
--- \{N TEXT} is the text N times, in the statement and in the reason.

local support = require "tests.lua.support"

local hostile = {}

hostile.CLASSES = { "writes", "locks", "files", "network", "settings", "sleeping", "sessions", "dynamic", "leaks", "bombs",
  "encodings", "stacked", "shadowing", "immutable", "definer" }

local function spelt_out(text)
  text = text:gsub("\\{(%d+) ([^}]*)}", function(n, what) return what:rep(tonumber(n)) end)
  return (text:gsub("\\x(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---@return { gate: string, reason: string, sql: string, place: string }[]
function hostile.read(class)
  local path, list, number = ("tests/data/hostile/%s.sql"):format(class), {}, 0
  for line in (assert(support.read(path)) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local escapes, gate, reason = line:match("^%-%-@(x?) (%w+): ?(.*)$")
    if gate then
      list[#list + 1] = { gate = gate, reason = reason, escapes = escapes == "x", place = path .. ":" .. number }
    elseif #list > 0 and not (list[#list].sql and line == "") then
      list[#list].sql = list[#list].sql and list[#list].sql .. "\n" .. line or line
    end
  end
  for _, one in ipairs(list) do
    if one.escapes then one.sql, one.reason = spelt_out(one.sql), spelt_out(one.reason) end
  end
  return list
end

--- --- the whole state ----------------------------------------------------------------------------

--- What may change by itself is left out: counters of pages and rows, transaction ids, statistics that the
--- server keeps of itself.
local QUERIES = {
  relations = [[SELECT md5(string_agg(concat_ws('|', oid, relname, relnamespace, reltype, relowner, relfilenode, relkind,
    relacl, reloptions, relrowsecurity, relhasrules, relhastriggers), ',' ORDER BY oid)) FROM pg_class]],
  statistics = "SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM pg_statistic s WHERE starelid >= 16384",
  sequences = "SELECT last_value, is_called FROM counter",
  large_objects = [[SELECT (SELECT md5(string_agg(m::text, ',' ORDER BY m.oid)) FROM pg_largeobject_metadata m),
    (SELECT md5(string_agg(l::text, ',' ORDER BY l::text)) FROM pg_largeobject l)]],
  databases = [[SELECT md5(string_agg(concat_ws('|', oid, datname, datdba, datallowconn, datconnlimit, datacl), ','
    ORDER BY oid)) FROM pg_database]],
  settings = [[SELECT md5(string_agg(name || '=' || setting, ',' ORDER BY name)) FROM pg_settings
    WHERE source <> 'session' AND name NOT LIKE 'transaction%' AND name NOT LIKE 'plpgsql.%']],
  slots = "SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_prepared_xacts)",
  config_files = [[SELECT f, md5(pg_read_file(f)) FROM unnest(ARRAY['PG_VERSION', 'postgresql.conf',
    'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) AS f]],
  -- tables' free space and visibility maps come and go; so do the server's own scratch files
  files = [[WITH RECURSIVE f(path, name, dir) AS (
      SELECT n, n, (pg_stat_file(n)).isdir FROM pg_ls_dir('.') AS n
      UNION ALL SELECT f.path || '/' || n, n, (pg_stat_file(f.path || '/' || n, true)).isdir
        FROM f, pg_ls_dir(f.path, true, false) AS n
        WHERE f.dir AND f.path !~ '^(pg_wal|pg_stat|pg_stat_tmp|pg_subtrans|pg_xact|pg_multixact|pg_dynshmem|pg_replslot)')
    SELECT string_agg(path, ' ' ORDER BY path) FROM f
    WHERE NOT dir AND name !~ '(_fsm|_vm|^pg_internal.init.*|^t[0-9]+_.*|^pgsql_tmp.*|^postmaster.*)$']],
}

local CATALOGS = { "pg_aggregate", "pg_attrdef", "pg_auth_members", "pg_authid", "pg_cast", "pg_constraint",
  "pg_db_role_setting", "pg_event_trigger", "pg_extension", "pg_foreign_data_wrapper", "pg_foreign_server",
  "pg_foreign_table", "pg_inherits", "pg_language", "pg_namespace", "pg_operator", "pg_policy", "pg_proc", "pg_publication",
  "pg_replication_origin", "pg_rewrite", "pg_sequence", "pg_shdescription", "pg_description", "pg_subscription",
  "pg_tablespace", "pg_trigger", "pg_type", "pg_user_mapping", "pg_seclabel" }

--- The rows of a query as lines of text.
local function told(db, query)
  local got, message = db:query(query)
  assert(got, tostring(message) .. "\n" .. query)
  local rows = {}
  for i, row in ipairs(got.rows) do
    local cells = {}
    for j = 1, #got.columns do cells[j] = tostring(row[j]) end
    rows[i] = table.concat(cells, "|")
  end
  return table.concat(rows, "\n")
end

hostile.told = told

--- Everything that may be seen to change, by name. `admin` is a superuser's.
function hostile.state(admin)
  local state = {}
  for name, query in pairs(QUERIES) do state[name] = told(admin, query) end
  for _, name in ipairs(CATALOGS) do
    state[name] = told(admin, ("SELECT md5(string_agg(c::text, ',' ORDER BY c::text)) FROM %s c"):format(name))
  end
  local tables = admin:query [[SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', 'hidden') ORDER BY 1]]
  for _, row in ipairs(tables.rows) do
    state["rows of " .. row[1]] = told(admin, ("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM %s t")
      :format(row[1]))
  end
  return state
end

--- What only the first layer guards: advisory locks, other sessions of the same login.
function hostile.unguarded(admin)
  return told(admin, [[SELECT count(*) FROM pg_locks WHERE locktype = 'advisory']])
end

return hostile
