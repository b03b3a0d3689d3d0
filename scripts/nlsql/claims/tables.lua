--- tables: what may be said of a table as a whole: columns that it has, how many, what kind it is.

local facts = require "nlsql.claims.facts"
local keys = require "nlsql.claims.keys"
local words = require "nlsql.grammar.words"

local tables = {}

local ENDS = words.set(", : ( ) . ? - in and which but total altogether overall")

local function counts_said(t) return ("%s has %s"):format(t.reference, keys.counted(#t.columns, "column")) end

--- Has it so many columns?
function tables.judge_count(claim, t, n, negated)
  return facts.tables(claim, t, negated, function(owner) return #owner.columns == n end, counts_said)
end

local function columns_counted(claim, found)
  local t, n = found[1], found[2]
  if not t.refs and not t.pronoun then t, n = n, t end
  local behind = claim.list[found.stop]
  if behind and not ENDS[behind.lower] then return nil end
  if behind and (behind.lower == "in" or behind.lower == "and") then
    local further = claim.list[found.stop + 1]
    if not further or (behind.lower == "in" and further.lower ~= "total" and further.lower ~= "all") then return nil end
  end
  local before = claim.list[found.stop - 2]
  if before and (before.lower == "least" or before.lower == "than") then return nil end
  return tables.judge_count(claim, t, n.number, found.negated)
end

--- Has the table that column?
local function has_column(claim, found)
  local t, c = found[1], found[#found]
  if not t.refs or t.noun or c.pronoun or not c.marked then return nil end
  for _, named in ipairs(c.columns) do
    if not named.qualified then
      local ok, fact = facts.tables(claim, t, found.negated,
        function(owner) return claim.names:column(owner.reference, named.name) ~= nil end,
        function(owner)
          if found.negated then return ("%s has a column %s"):format(owner.reference, named.name) end
          return ("%s has no column %s%s"):format(owner.reference, named.name,
            claim.names:nearest(named.name, { owner.reference }, "column"))
        end)
      if ok == false then return false, fact, not found.negated and "grounded" or nil end
    end
  end
  return true
end

local KINDS = { view = "view", ["materialized view"] = "materialised view",
  ["materialised view"] = "materialised view" }

local function kind_said(t)
  local kind = t.kind == "partitioned" and "partitioned table" or t.kind == "foreign" and "foreign table" or t.kind
  return ("%s is a %s"):format(t.reference, kind)
end

local function is_kind(claim, found)
  local last = claim.list[found.stop - 1].lower
  local before = claim.list[found.stop - 2]
  if before and (before.lower == "materialized" or before.lower == "materialised") then last = "materialised view" end
  return facts.tables(claim, found[1], found.negated, function(t)
    if KINDS[last] == "view" then return facts.is_view(t) end
    if KINDS[last] then return t.kind == KINDS[last] end
    return not facts.is_view(t)
  end, kind_said)
end

--- "the customer view", where customer is a table
local function cued_kind(claim, found)
  local t = found[1]
  if not t.refs or not (t.cue == "view" or t.cue_before == "view" or t.cue == "materialised view") then return nil end
  return facts.tables(claim, t, false, facts.is_view, kind_said)
end

local function tables_counted(claim, found)
  local n = found[1]
  local schema = claim.names.schema
  if #schema:denied() > 0 or found.negated then return nil end
  local all, bare = #claim.names.all, 0
  for _, ref in ipairs(claim.names.all) do
    if not facts.is_view(claim.names:table(ref)) then bare = bare + 1 end
  end
  local behind = claim.list[found.stop]
  if behind and not ENDS[behind.lower] then return nil end
  if n.number == all or n.number == bare then return true end
  if #schema:other_schemas() > 0 and n.number > all then return nil end
  return false, ("the schema has %s"):format(keys.counted(bare, "table"))
end

tables.RULES = {
  { columns_counted, "E has|contains|consists ~ of|exactly|only|a|total|of? of? N columns",
    "there is ~ exactly|only? N columns in|on|of E" },
  { has_column, "T has|contains ~ a|an|the|any? following? columns? named|called|:? C",
    "T has|contains ~ a|an|the|any? * C" },
  { is_kind, "E is ~ a|an? materialized|materialised|regular|ordinary|base|plain|database|simple|normal? view|table" },
  { cued_kind, "T" },
  { tables_counted, "schema|database has|contains|consists ~ of|exactly|a|total? of? N tables",
    "there is ~ exactly? N tables in schema|database" },
}

return tables
