--- weigh: what speaks for and against one column referring to another, each thing with its weight.
---
--- Weights are natural logarithms of odds, so they add up: +0.7 makes a relation twice as likely, -2.3
--- ten times less. They were set from what the quantities mean, then checked on databases with known keys.
--- The sum becomes a score in nlsql.discovery.choose, where the parents of one column compete.

local columns = require "nlsql.discovery.columns"
local shape = require "nlsql.discovery.shape"

local weigh = {}

---@class nlsql.Weighed
---@field weight number
---@field about string  which kind of evidence
---@field format string? with what follows in the list, the text
---@field text string   a sentence's worth of it

---@class nlsql.Candidacy
---@field child nlsql.DiscoveryColumn
---@field parent nlsql.DiscoveryColumn
---@field common integer       distinct values of the child that the parent has
---@field names number         0 to 1
---@field sum number           of the weights
---@field later nlsql.Weighed[]|false  what became clear beside the others
---@field score number         see nlsql.discovery.choose
---@field rival nlsql.Candidacy|false

--- What a candidacy is made of; most of it is told of few.
---@class nlsql.CandidacyEvidence
---@field containment number   common, as a share of the child's values
---@field orphans integer
---@field coverage number      as a share of the parent's
---@field fit number?          see shape.fit; nil: the values have no order that says anything
---@field accident number      ln of the likelihood that unrelated values would all be found there
---@field weighed nlsql.Weighed[]?  nil: only the sum is wanted

--- Most that one kind of evidence can say.
local MOST = 6

--- The odds before anything is known, for a pair whose values are contained.
local PRIOR = -2.2

local function share(x) return (("%.1f %%"):format(100 * x):gsub("%.0 ", " ")) end

--- The text is made when it is asked for, and is kept only where it may be: most pairs are never told of.
local function add(candidate, about, weight, format, ...)
  local weighed = candidate.weighed
  if weighed then weighed[#weighed + 1] = { weight = weight, about = about, format = format, ... } end
  candidate.sum = candidate.sum + weight
end

--- The sentence of one piece of evidence.
---@param one nlsql.Weighed
---@return string
function weigh.text(one)
  if not one.text then one.text = one.format:format(table.unpack(one)) end
  return one.text
end

local function clamp(x, low, high) return math.max(low, math.min(high, x)) end

--- --- the data --------------------------------------------------------------------------------------

local function weigh_containment(c)
  local lost = c.orphans
  if lost == 0 then
    add(c, "containment", 0, "all %d distinct values are found there", c.child.distinct)
    return
  end
  local weight = -0.5 - 40 * (1 - c.containment)
  local outside = c.child.low and (c.child.low < c.parent.low or c.child.high > c.parent.high)
  add(c, "containment", weight + (outside and -1 or 0), "%d of %d distinct values are not found there%s", lost,
    c.child.distinct, outside and ", some of them beyond its range" or "")
end

--- Ln of the likelihood that as many unrelated values would all be found. Numbers and days: the density of
--- the parent's keys; others: one in two for each.
local function accident_of(c)
  local density = c.parent.density or 0.5
  return c.common * math.log(math.min(density, 0.999))
end

--- What it means that they are found. Where keys stand close together it means little; but then their
--- number must be right: the more values, the less likely that another column's would end where the keys do.
local function weigh_surprise(c)
  local rare = math.min(MOST, -c.accident)
  local right_size = c.parent.density and 0.75 * math.log(c.common) or 0
  if rare > 1 then
    add(c, "chance", math.max(rare, right_size),
      "%d unrelated values would all be found there with a likelihood of %.2g", c.common, math.max(1e-99, math.exp(c.accident)))
  else
    add(c, "chance", right_size, "the keys there leave hardly a gap, so being found there says little by itself%s",
      c.common > 9 and ("; that %d values do and go no further says more"):format(c.common) or "")
  end
end

local function weigh_fit(c)
  if not c.fit then
    if c.common > 1 then
      add(c, "coverage", 1.2 * c.coverage, "%s of the keys there are referred to", c.weighed and share(c.coverage))
    end
    return
  end
  -- what is called like a key may well be used unevenly: recent orders, one shop's staff
  local worst = c.names >= 0.8 and -2 or c.names >= 0.5 and -4 or -MOST
  local weight = clamp(math.log(math.max(c.fit, 1e-99)) + 0.7, worst, 0)
  if weight < 0 then
    add(c, "range", weight,
      "its values keep to a corner of the keys there: so close together they would be with a likelihood of %.2g",
      math.max(c.fit, 1e-99))
  else
    add(c, "range", 0.6 * c.coverage, "its values are spread over the keys there, %s of which are referred to",
      c.weighed and share(c.coverage))
  end
end

local function weigh_variety(c)
  if c.common <= 2 then
    add(c, "variety", c.common == 1 and -2 or -1.2, "it holds %s only", c.common == 1 and "one value" or "two values")
  end
end

--- What it means that a column's values are found in a part of a key: their surprise and their range, as above.
---@param child nlsql.DiscoveryColumn
---@param part nlsql.DiscoveryColumn
---@param common integer
---@param names number
---@return number
function weigh.inclusion(child, part, common, names)
  if common < 1 then return 0 end
  local c = { child = child, parent = part, common = common, names = names, coverage = common / part.distinct, sum = 0 }
  c.accident = accident_of(c)
  if child.low and part.low then
    c.fit = shape.fit(math.min(common, part.distinct), shape.span(child, part), part.distinct)
  end
  weigh_surprise(c)
  weigh_fit(c)
  weigh_variety(c)
  return c.sum
end

--- --- keys and types --------------------------------------------------------------------------------

local function weigh_parent(c, naming)
  local parent = c.parent
  if parent.key == "primary" then
    add(c, "parent", 0.8, "the other side is a primary key")
  elseif parent.key == "unique" then
    add(c, "parent", parent.table.primary and -0.7 or 0.5, "the other side is declared unique%s",
      parent.table.primary and ", though not the primary key" or "")
  elseif parent.table.primary then
    add(c, "parent", -3, "the other side happens to be unique, but its table's key is another")
    if c.child.unique then add(c, "parent", -3, "both sides are attributes that happen to be unique") end
  else
    local called = naming:own_key(parent.table, parent.name)
    add(c, "parent", called and 0.6 or naming.telling and -1 or -0.3, "the other side's values are unique%s",
      called and ", and it is called like a key" or "")
  end
  if parent.nulls > 0 then add(c, "parent", -2, "the other side is NULL in %d rows", parent.nulls) end
end

local function weigh_child(c, naming)
  local child = c.child
  local own_name = naming:own_key(child.table, child.name)
  if columns.numbers_itself(child) and (c.names < 0.8 or own_name) then
    local many = math.min(1, math.log(child.distinct) / math.log(10)) -- one and two are soon in a row
    add(c, "child", (child.key == "data" and -2 or -4) * many, "it numbers the rows of its own table")
  elseif child.key == "primary" then
    add(c, "child", -1, "it is its own table's key")
  elseif child.unique and child.filled > 4 then
    add(c, "child", -0.5, "its values are unique themselves")
  end
  if child.ref ~= c.parent.ref and child.key and own_name and child.name ~= c.parent.name then
    add(c, "child", -1.5, "it is called like its own table's key")
  end
  if child.in_key then add(c, "child", 0.7, "it is part of its table's key") end
  if child.indexed and not child.key then add(c, "index", 0.8, "it has an index of its own") end
end

local WHOLE = { smallint = true, integer = true, bigint = true }

local function weigh_types(c)
  local a, b = c.child, c.parent
  if a.base == b.base then
    if a.column.type ~= b.column.type then
      add(c, "type", -0.3, "their types differ: %s, %s", a.column.type, b.column.type)
    end
  elseif WHOLE[a.base] and WHOLE[b.base] then
    add(c, "type", -1.2, "their types differ: %s, %s", a.column.type, b.column.type)
  else
    add(c, "type", a.family == "number" and -3 or -0.7, "their types differ: %s, %s", a.column.type, b.column.type)
  end
  local dated = a.family ~= "number" and a.family ~= "text" and a.family ~= "uuid"
  local broken = a.base == "real" or a.base == "double precision" or b.base == "real" or b.base == "double precision"
  if dated or broken then add(c, "type", -3, "%s is an unusual type for a key", a.column.type) end
end

--- --- names -----------------------------------------------------------------------------------------

--- Two attributes of one name, such as "name" or "city": that says that they are alike, not that one is a key.
local function is_common_attribute(c, naming)
  return c.child.name == c.parent.name and c.parent.key == "data" and c.parent.table.primary ~= nil
    and not naming:is_key_name(c.child.name)
end

local function weigh_names(c, naming)
  if c.names > 0 and is_common_attribute(c, naming) then
    add(c, "names", 0.5, "both are called %s, which is no key's name", c.child.name)
  elseif c.names > 0 then
    add(c, "names", 4 * c.names - (c.names < 0.6 and 1 or 0.2), "the names agree to %.2f", c.names)
  elseif naming:tells(c.child.table) then
    add(c, "names", -1.2, "the names have nothing in common")
    if not naming:is_key_name(c.child.name) then
      add(c, "names", -1, "it is not called like a key, as others of its table are")
    end
  elseif naming.telling then
    add(c, "names", -0.8, "the names have nothing in common")
  end
  if naming:is_measure(c.child.name) then
    add(c, "names", -2.5, "it is called like a measure: %s", c.child.name)
  end
end

--- All that speaks for and against the pair `c` at once; the names' part is known already.
local function weigh_all(c, naming)
  c.coverage = c.common / math.max(1, c.parent.distinct)
  c.containment, c.orphans = c.common / c.child.distinct, c.child.distinct - c.common
  c.accident, c.fit, c.sum = accident_of(c), nil, PRIOR
  if c.child.low and c.parent.low then
    c.fit = shape.fit(math.min(c.common, c.parent.distinct), shape.span(c.child, c.parent), c.parent.distinct)
  end
  weigh_names(c, naming)
  weigh_containment(c)
  weigh_surprise(c)
  weigh_fit(c)
  weigh_variety(c)
  weigh_parent(c, naming)
  weigh_child(c, naming)
  weigh_types(c)
  if c.child.ref == c.parent.ref then add(c, "self", -0.7, "it would refer to its own table") end
end

--- Where pairs are weighed, one after the other: only what others need of each stays.
local scales = {}

--- Weighs one pair.
---@param pair table  { child, parent, common }
---@param naming nlsql.Naming
---@return nlsql.Candidacy
function weigh.pair(pair, naming)
  local c, child, parent = scales, pair.child, pair.parent
  c.child, c.parent, c.common, c.names = child, parent, pair.common, naming:score(child, parent)
  weigh_all(c, naming)
  return { child = child, parent = parent, common = pair.common, names = c.names, sum = c.sum, later = false, score = 0,
    rival = false }
end

--- The evidence for a pair that was weighed: each thing with its weight, what became clear later too.
---@param candidate nlsql.Candidacy
---@param naming nlsql.Naming  that it was weighed with
---@return nlsql.CandidacyEvidence
function weigh.evidence(candidate, naming)
  local c = { child = candidate.child, parent = candidate.parent, common = candidate.common, names = candidate.names,
    weighed = {} }
  weigh_all(c, naming)
  local later = candidate.later or {}
  table.move(later, 1, #later, #c.weighed + 1, c.weighed)
  return c
end

--- Adds what became clear later, beside the other candidates.
---@param candidate nlsql.Candidacy
---@param about string
---@param weight number
---@param format string
---@param ... any  what is put into it
function weigh.more(candidate, about, weight, format, ...)
  candidate.later = candidate.later or {}
  table.insert(candidate.later, { weight = weight, about = about, format = format, ... })
  candidate.sum = candidate.sum + weight
end

return weigh
