--- keys: what may be said of primary keys, unique keys, and columns as foreign keys.

local facts = require "nlsql.claims.facts"
local words = require "nlsql.grammar.words"

local keys = {}

local function is_primary(t, set) return t.primary ~= nil and facts.same(t.primary, set) end

--- The columns are, together, the primary key.
function keys.judge_primary(claim, c, owner, negated)
  return facts.set(claim, c, owner, negated, function(t, set)
    if negated and t.primary and #set == 1 and facts.has(t.primary, set[1]) then return is_primary(t, set) end
    return is_primary(t, set)
  end, facts.primary_said)
end

local JOINT = words.set("together along combined combination jointly plus")

--- "x, together with y, is the primary key"
local function is_joint(list)
  for _, t in ipairs(list) do
    if JOINT[t.lower] then return true end
  end
  return false
end

local function primary(claim, found)
  local c, owner = found[1], found[2]
  local behind = claim.list[found.stop]
  if behind and (behind.lower == "column" or behind.lower == "columns") then return nil end
  if #(c.columns or {}) < 2 and is_joint(claim.list) then return nil end
  if #(c.columns or {}) > 1 and not found.negated then
    -- "a and b are primary keys": of two tables, each of its own
    local same = true
    for _, named in ipairs(c.columns) do same = same and not named.qualified end
    if not same then return nil end
  end
  return keys.judge_primary(claim, c, owner, found.negated)
end

local function primary_of(claim, found)
  local owner, c = found[1], found[#found]
  if owner == c then owner = false end
  return keys.judge_primary(claim, c, owner or nil, found.negated)
end

local function part_of_primary(claim, found)
  return facts.columns(claim, found[1], found.negated, function(t, column)
    local owner = found[2]
    if owner and owner.refs and owner.refs[1] ~= t.reference then return nil end
    return facts.has(t.primary, column.name)
  end, facts.primary_said)
end

--- "has a (composite) primary key"
local function has_primary(claim, found)
  local kind
  for i = found.from, found.stop - 1 do
    local lower = claim.list[i].lower
    if lower == "composite" or lower == "compound" or lower == "multi-column" then kind = "composite" end
    if lower == "single-column" or lower == "simple" then kind = "single" end
  end
  local behind = claim.list[found.stop]
  if behind and (behind.lower == "columns" or behind.lower == "column" or behind.lower == "that"
      or behind.lower == "value") then
    return nil
  end
  return facts.tables(claim, found[1], found.negated, function(t)
    local n = #(t.primary or {})
    if kind == "composite" then return n > 1 end
    if kind == "single" then return n == 1 end
    return n > 0
  end, facts.primary_said)
end

--- --- unique ----------------------------------------------------------------------------------------

local NOT_ALONE = words.set([[
  within per for among to together in combination only identifier identifiers number name when if where across by with
  value values
]])

local function unique_said(t, set) return ("no unique key of %s is on %s alone"):format(t.reference, words.all(set)) end

local function unique(claim, found)
  local c, owner = found[1], found[2]
  local behind = claim.list[found.stop]
  local in_all = behind and behind.lower == "in" and claim.list[found.stop + 1] and claim.list[found.stop + 1].refs
  if behind and not behind.pronoun and NOT_ALONE[behind.lower] and not in_all then return nil end
  for i = 1, found.from - 1 do
    if claim.list[i].lower == "combination" or claim.list[i].lower == "pair" or claim.list[i].lower == "if" then
      return nil
    end
  end
  if c.pronoun then
    for _, one in ipairs(c.pronoun) do
      if one.columns and #one.columns > 1 then return nil end
    end
  end
  local function test(t, set)
    if facts.is_view(t) then return nil end
    return facts.is_unique(t, set)
  end
  local ok, fact = facts.set(claim, c, owner, found.negated, test, function(t, set)
    if found.negated then return ("%s is unique in %s"):format(words.all(set), t.reference) end
    return unique_said(t, set)
  end)
  return ok, fact
end

local function unique_on(claim, found)
  return unique(claim, { found[2], found[1], negated = found.negated, from = found.from, stop = found.stop })
end

local function unique_listed(claim, found)
  return unique(claim, { found[#found], nil, negated = found.negated, from = found.from, stop = found.stop })
end

--- "T is identified by C": any key will do.
local function identified(claim, found)
  local owner, c = found[1], found[2]
  if found.negated then return nil end
  return facts.set(claim, c, owner, false, function(t, set)
    if facts.is_view(t) or not t.primary and #t.uniques == 0 then return nil end
    return facts.is_unique(t, set)
  end, facts.primary_said)
end

local function identifies(claim, found)
  if found.negated then return nil end
  return identified(claim, { found[2] or false, found[1], negated = false })
end

--- --- foreign keys ------------------------------------------------------------------------------------

local function in_foreign(t, column)
  if facts.is_view(t) then return nil end
  for _, key in ipairs(t.foreign) do
    if facts.has(key.columns, column.name) then return true end
  end
  return false
end

local function foreign_said(t, column)
  for _, key in ipairs(t.foreign) do
    if facts.has(key.columns, column.name) then
      return ("%s is a foreign key to %s"):format(facts.called(t, column), key.referred or "another table")
    end
  end
  return ("%s is no foreign key"):format(facts.called(t, column))
end

local function foreign(claim, found)
  return facts.columns(claim, found[1], found.negated, in_foreign, foreign_said)
end

local function foreign_listed(claim, found)
  return foreign(claim, { found[#found], negated = found.negated })
end

--- "has two foreign keys", "has no foreign keys"
local function has_foreign(claim, found)
  local t, n = found[1], found[2]
  local behind = claim.list[found.stop]
  if behind and (behind.lower == "that" or behind.lower == "column" or behind.lower == "columns" or behind.lower == "on"
      or behind.lower == "which") then
    return nil
  end
  return facts.tables(claim, t, found.negated, function(owner)
    if n then return #owner.foreign == n.number end
    return #owner.foreign > 0
  end, function(owner) return ("%s has %s"):format(owner.reference, keys.counted(#owner.foreign, "foreign key")) end)
end

--- "no foreign keys", "1 foreign key", "3 foreign keys"
function keys.counted(n, noun)
  if n == 0 then return "no " .. noun .. "s" end
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

keys.RULES = {
  { primary, "C together|jointly? is|serves|acts|serve|act|forms|form|makes|make|constitutes|constitute|comprise ~ "
    .. "as|up? a|an|the|its? composite|compound|single-column|sole|only? PK of|for|in? E?",
    "C ( the|a|composite? PK )", "C , the|a|its composite? PK" },
  { primary_of, "PK of|for|in E is|contains|consists|made|composed ~ up? of|the|on? columns|combination? of? C",
    "E 's PK is|contains|consists|made|composed ~ up? of|the|on? columns|combination? of? C",
    "E has ~ a|an|the|its? composite|compound|single-column? PK on|of|:|,|consisting|made|composed up? of|the? "
      .. "columns? of? C" },
  { function(claim, found) return keys.judge_primary(claim, found[1], nil, found.negated) end,
    "PK columns? is|: ~ the? columns|combination? of? C",
    "PK is ~ made|composed|formed|consists? up? of|by|from the? columns|combination? of? C",
    "PK is ~ a|an? composite|compound|composite? :|, consisting|made|composed|comprising|formed|namely? up? "
      .. "of|by|from? the? columns|combination? C", "PK consists|comprises ~ of? the? columns|combination? of? C",
      "PK (|on C" },
  { part_of_primary, "C is|belongs|belong|forms|form|makes ~ a|an|up? part|member|component|half|columns|to|in of|in? "
    .. "a|an|the|its? composite|compound? PK of|for|in? E?",
    "C is ~ a|an? PK columns", "C is ~ in|among the? columns? of? composite? PK columns?" },
  { has_primary, "E has|contains|defines|uses ~ a|an|any? composite|compound|single-column|multi-column|simple? PK",
    "E lacks a|any? PK" },
  { unique, "C is|must|has|have|can? be|have|has|a? ~ be? a|an|its|own? UNIQUE",
    "C is|must ~ be? enforced|guaranteed as|to? be? UNIQUE",
    "C (|:|- a|an? UNIQUE", "C ( Y , UNIQUE" },
  { unique_on, "E has|enforces|contains ~ a|an? UNIQUE constraint|index|key? on|over|for C" },
  { unique_listed, "UNIQUE columns of|in? E? is|contains|: C", "UNIQUE constraint|index? on|over|covers|across C" },
  { identified, "E is ~ uniquely? identified by C" },
  { identifies, "C uniquely identifies|identify E?", "C identifies|identify E uniquely" },
  { foreign, "C is ~ a|an|the? * FK columns? $", "C is ~ a|an|the|part? of? a|an|the? FK", "C ( a|an? FK" },
  { foreign_listed, "FK columns of|in? E? is|contains|: C", "FK columns is|contains|: C", "FK C $" },
  { has_foreign, "E has|contains|defines ~ any|a|an|only|exactly? N? FK", "E has|contains ~ any? outgoing FK" },
}

return keys
