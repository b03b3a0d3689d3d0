--- paths: relations that may go over several foreign keys: "belongs to", "has many", "is linked to".
---
--- Where tables declare no keys, nothing is known of how they are related, and nothing is refused.

local edges = require "nlsql.claims.edges"
local facts = require "nlsql.claims.facts"

local paths = {}

local FAR = 4

--- Steps of foreign keys from one table to another (both ways where `either`, never over `avoided`); nil beyond
--- FAR.
local function distance(claim, from, to, either, avoided)
  local seen, row = { [from] = true, [avoided or from] = true }, { from }
  for n = 1, FAR do
    local following = {}
    for _, ref in ipairs(row) do
      local near = {}
      for _, key in ipairs(claim.names:table(ref).foreign) do near[#near + 1] = key.referred end
      if either then
        for _, edge in ipairs(claim.names.into[ref] or {}) do near[#near + 1] = edge.from end
      end
      for _, other in ipairs(near) do
        if other == to then return n end
        if not seen[other] then
          seen[other] = true
          following[#following + 1] = other
        end
      end
    end
    row = following
  end
end

local function declares(claim, ref)
  return #claim.names:table(ref).foreign > 0 or claim.names.into[ref] ~= nil
end

--- Can anything be said about how these two are related?
local function is_open(claim, x, y)
  if facts.is_view(claim.names:table(x.ref)) or facts.is_view(claim.names:table(y.ref)) then return true end
  return not declares(claim, x.ref) or not declares(claim, y.ref)
end

local function belongs(claim, found)
  return edges.judge(claim, found[1], found[2], found.negated, function(x, y)
    if distance(claim, x.ref, y.ref) then return true end
    if is_open(claim, x, y) then return nil end
    if distance(claim, y.ref, x.ref) then return false end
    return nil
  end, function(x, y) return edges.pair_said(claim, x, y) end)
end

--- Is there a table that refers to both?
local function meets(claim, x, y)
  for _, edge in ipairs(claim.names.into[x.ref] or {}) do
    if edge.from ~= y.ref and distance(claim, edge.from, y.ref, false, x.ref) then return true end
  end
  return false
end

local function has_many(claim, found)
  return edges.judge(claim, found[1], found[2], found.negated, function(x, y)
    if distance(claim, y.ref, x.ref) or meets(claim, x, y) then return true end
    if is_open(claim, x, y) then return nil end
    if distance(claim, x.ref, y.ref) then return false end
    return nil
  end, function(x, y) return edges.pair_said(claim, x, y) end)
end

local function linked(claim, found)
  local direct = false
  for i = found.from, found.stop - 1 do
    direct = direct or claim.list[i].text:lower():find("direct") ~= nil or claim.list[i].symbol == "FK"
  end
  return edges.judge(claim, found[1], found[2], found.negated, function(x, y)
    local n = distance(claim, x.ref, y.ref, true)
    if direct then return n == 1 end
    if n == 1 then return true end
    if found.negated or is_open(claim, x, y) then return nil end
    return n ~= nil
  end, function(x, y) return edges.pair_said(claim, x, y) end)
end

--- --- one to many ---------------------------------------------------------------------------------------

local function is_one_to_one(claim, x, y)
  for _, pair in ipairs { { x.ref, y.ref }, { y.ref, x.ref } } do
    for _, edge in ipairs(claim.names.into[pair[2]] or {}) do
      if edge.from == pair[1] and facts.is_unique(claim.names:table(edge.from), edge.columns) then return true end
    end
  end
  return false
end

local function cardinality(claim, found, directed)
  local kind
  for i = found.from, found.stop - 1 do kind = kind or claim.list[i].lower:match("^%a+%-to%-%a+$") end
  return edges.judge(claim, found[1], found[2], found.negated, function(x, y)
    local there, back = distance(claim, x.ref, y.ref), distance(claim, y.ref, x.ref)
    if is_open(claim, x, y) and not there and not back then return nil end
    if kind == "many-to-many" then
      if meets(claim, x, y) then return true end
      if there == 1 or back == 1 then return false end
      return nil
    elseif kind == "one-to-one" then
      if there ~= 1 and back ~= 1 then return nil end
      return is_one_to_one(claim, x, y)
    elseif not there and not back then
      return nil
    elseif directed then
      local wanted = there
      if kind == "one-to-many" then wanted = back end
      return wanted ~= nil
    end
    return true
  end, function(x, y) return edges.pair_said(claim, x, y) end)
end

local function directed(claim, found) return cardinality(claim, found, true) end
local function undirected(claim, found) return cardinality(claim, found, false) end

local TO_MANY = "one-to-many|many-to-one|many-to-many|one-to-one"

paths.RULES = {
  { belongs, "E can|may|must? ~ OWNED exactly|only|one? one? E" },
  { has_many, "E can|may? ~ has|contains|place|places|receive|receives|be|appear ~ linked|related? to? MANY E" },
  { linked, "R is|can ~ be? LINKED R", "R and R is|can ~ be? directly? linked|related|connected|joined",
    "there is ~ a|any? direct? FK|relationship|relation|link|connection between R and R",
    "R has ~ a|any? direct? relationship|relation|link|connection with|to R" },
  { directed, TO_MANY .. " relationship|relation|association|link? from R to R",
    "R has|is|in ~ in? a|an? " .. TO_MANY .. " relationship|relation|association|link? with|to R" },
  { undirected, TO_MANY .. " relationship|relation|association|link? between R and R",
    "relationship|relation between R and R is ~ a|an? " .. TO_MANY },
}

return paths
