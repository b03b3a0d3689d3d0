--- choose: each column refers to one parent at most, the best; and no relation is told twice.
---
--- The weights of a column's candidates become shares: a candidate's odds among those of all others and
--- of none. So two parents that fit equally well have half each at most, and neither is believed.

local weigh = require "nlsql.discovery.weigh"

local choose = {}

local function odds(candidate) return math.exp(math.max(-50, math.min(50, candidate.sum))) end

local function by_child(candidates)
  local groups, order = {}, {}
  for _, c in ipairs(candidates) do
    local group = groups[c.child.at]
    if not group then
      group = {}
      groups[c.child.at] = group
      order[#order + 1] = group
    end
    group[#group + 1] = c
  end
  return order, groups
end

--- The candidates of each child, by its index.
---@param candidates nlsql.Candidacy[]
---@return table<integer, nlsql.Candidacy[]>
function choose.groups(candidates)
  local _, groups = by_child(candidates)
  return groups
end

local function better(a, b)
  if a.sum ~= b.sum then return a.sum > b.sum end
  if a.parent.distinct ~= b.parent.distinct then return a.parent.distinct < b.parent.distinct end
  return a.parent.at < b.parent.at
end

--- Most groups are in order already.
local function arrange(group)
  for i = 2, #group do
    if better(group[i], group[i - 1]) then return table.sort(group, better) end
  end
end

--- Of two columns that hold each other's values, the one that more others look up to is the parent.
--- Returns the others.
local function settle_mutual(groups)
  local looked_up, reversed = {}, {}
  for _, group in pairs(groups) do
    for _, c in ipairs(group) do
      if not c.child.unique then looked_up[c.parent.at] = (looked_up[c.parent.at] or 0) + odds(c) / (1 + odds(c)) end
    end
  end
  -- what others refer to has more to say of itself than what refers
  local function rank(c)
    return c.sum + 0.5 * math.min(4, looked_up[c.parent.at] or 0) + 0.4 * math.log(#c.parent.table.columns)
  end
  for _, group in pairs(groups) do
    for _, c in ipairs(group) do
      for _, back in ipairs(c.child.at < c.parent.at and groups[c.parent.at] or {}) do -- each two once
        if back.parent == c.child then reversed[rank(c) <= rank(back) and c or back] = true end
      end
    end
  end
  for c in pairs(reversed) do weigh.more(c, "direction", -20, "the other way round it fits better") end
  return reversed
end

--- Weight from which on values keep to a part of a table too well for chance.
local SUBSET = 3

--- A parent's own column may take its values from a third one: physicians are staff. What refers to physicians
--- is found among staff too, and what refers to staff may be found among physicians by accident. How likely
--- that accident is decides: drawn from all of the staff, every one of many values would hardly be a
--- physician's. Where both hold nearly the same keys, the one that the other comes from is meant.
local function weigh_chain(near, far)
  local share = near.parent.distinct / math.max(1, far.parent.distinct)
  local subset = near.common == near.child.distinct and -near.common * math.log(share) or 0
  if subset > SUBSET then
    weigh.more(near, "transitivity", SUBSET,
      "all its values are of those that %s.%s holds of %s.%s", near.parent.ref, near.parent.name, far.parent.ref,
      far.parent.name)
    weigh.more(far, "transitivity", -SUBSET, "%s.%s, which takes its values from there, holds all of them",
      near.parent.ref, near.parent.name)
  elseif near.names <= far.names then
    weigh.more(near, "transitivity", -2.5, "its values come from %s.%s in turn", far.parent.ref, far.parent.name)
  end
end

local function prefer_along_chains(groups, reversed)
  for _, group in pairs(groups) do
    for _, near in ipairs(group) do
      local best = (groups[near.parent.at] or {})[1]
      local leads = best and best.sum > 0 and not reversed[best] and best.parent
      for _, far in ipairs(group) do
        if leads and far ~= near and far.parent == leads then
          weigh_chain(near, far)
          break
        end
      end
    end
  end
end

local function score_group(group)
  arrange(group)
  local all = 1
  for _, c in ipairs(group) do
    c.score = odds(c)
    all = all + c.score
  end
  for i, c in ipairs(group) do
    c.score = c.score / all
    local rival = i == 1 and group[2] or group[1]
    if rival and rival.sum > c.sum - 2 then c.rival = rival end
  end
end

--- A row that refers to another may hold copies of its attributes too: the address of an invoice is the
--- customer's. Such a column is found among the attribute's values, but it is the key that refers.
local function discount_copies(order, declared)
  local by, best = {}, {} -- for each two tables: the column that refers, and to which; how well
  for _, group in ipairs(order) do
    local c = group[1]
    local tables = c.child.ref .. "\0" .. c.parent.ref
    local is_key = c.parent.key == "primary" or c.parent.key == "data" and not c.parent.table.primary
    if c.score >= 0.5 and is_key and c.sum > (best[tables] or 0) then
      by[tables], best[tables] = { from = c.child.name, to = c.parent.name }, c.sum
    end
  end
  for _, edge in ipairs(declared) do
    by[edge.from .. "\0" .. edge.to] = { from = edge.columns[1], to = edge.referred_columns[1] }
  end
  for _, group in ipairs(order) do
    for _, c in ipairs(group) do
      local known = by[c.child.ref .. "\0" .. c.parent.ref]
      if known and known.from ~= c.child.name and known.to ~= c.parent.name and c.child.ref ~= c.parent.ref
        and c.parent.key ~= "primary" then
        weigh.more(c, "copy", c.parent.key == "data" and -6 or -3,
          "%s refers to that table already: it is a copy of what stands there", known.from)
      end
    end
  end
end

--- Sets `score` and `rival` of each candidate. `taken`: columns that are children of a declared key already, by
--- index; their candidates lose.
---@param candidates nlsql.Candidacy[]
---@param taken table<integer, string>
---@param declared nlsql.Edge[]
function choose.score(candidates, taken, declared)
  local order, groups = by_child(candidates)
  for _, c in ipairs(candidates) do
    local to = taken[c.child.at]
    if to then weigh.more(c, "declared", -6, "a declared key says that it refers to %s", to) end
  end
  for _, group in ipairs(order) do arrange(group) end
  local reversed = settle_mutual(groups)
  for _, group in ipairs(order) do arrange(group) end
  prefer_along_chains(groups, reversed)
  for _, group in ipairs(order) do score_group(group) end
  discount_copies(order, declared)
  for _, group in ipairs(order) do score_group(group) end
end

--- Scores again after weights were added.
---@param candidates nlsql.Candidacy[]
function choose.again(candidates)
  for _, group in ipairs((by_child(candidates))) do score_group(group) end
end

return choose
