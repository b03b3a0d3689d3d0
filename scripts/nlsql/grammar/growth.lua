--- growth: one pair as it grows: the tree, the conditions so far, and the sampled rows that meet
--- them all, so that what is asked for exists.
---
--- Each leaf of the tree must be used by something (a filter, a group, a column), or joining it
--- would be for nothing. Rows of which nothing is left mean a dead end: the construct gives up.

local catalog = require "nlsql.catalog"
local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local profile = require "nlsql.grammar.profile"
local tree = require "nlsql.grammar.tree"
local words = require "nlsql.grammar.words"

local growth = {}

---@class nlsql.Growth
---@field draw nlsql.Draw
---@field tree nlsql.Tree
---@field base nlsql.TreeNode
---@field rows any[][]
---@field conditions nlsql.Condition[]
---@field need table<nlsql.TreeNode, boolean>
---@field least integer tables that one SELECT must join
---@field used table
---@field settled table
---@field db nlsql.Db
---@field names table
---@field wanted table<string, boolean>? what the query must show, of what its construct can
---@field measures table<string, boolean>? what measures there may be (nil: all)
local Growth = {}
Growth.__index = Growth

---@return nlsql.Growth
function growth.new(draw, joined, least, db)
  local self = setmetatable({ draw = draw, tree = joined, base = joined.nodes[1], rows = joined.rows, conditions = {},
    need = {}, used = {}, settled = {}, least = least, db = db, names = {} }, Growth)
  for _, leaf in ipairs(joined.leaves) do self.need[leaf] = true end
  return self
end

--- Asks the database; the rows' cells are texts.
function Growth:ask(query) return profile.ask(self.db, query) end

--- Does the query have a row?
function Growth:answers(query) return #self:ask(("SELECT 1 FROM (%s) AS q LIMIT 1"):format(query)) > 0 end

--- --- choosing ------------------------------------------------------------------------------------

local function is_below(node, top)
  while node do
    if node == top then return true end
    node = node.parent
  end
  return false
end

--- The nodes from `top` on up, it included.
---@param top nlsql.TreeNode
function Growth:part(top)
  local out = {}
  for _, node in ipairs(self.tree.nodes) do
    if is_below(node, top) then out[#out + 1] = node end
  end
  return out
end

--- The nodes that are not in that part.
function Growth:rest(top)
  local out = {}
  for _, node in ipairs(self.tree.nodes) do
    if not is_below(node, top) then out[#out + 1] = node end
  end
  return out
end

--- Says that a node is used, and so all on the way to it.
function Growth:use(node) self.need[node] = nil end

---@class nlsql.Wish
---@field own boolean|"first"|nil of the base only; or of it first
---@field filled boolean?   without NULL
---@field nodes nlsql.TreeNode[]? of these only
---@field test (fun(attribute: nlsql.NodeAttribute): boolean)?

--- An attribute with one of the roles that is not used yet, of a leaf that wants use before others;
--- nil where there is none. It counts as used from now on.
---@param roles table<string, boolean>
---@param wish nlsql.Wish?
---@return nlsql.NodeAttribute?
function Growth:take(roles, wish)
  wish = wish or {}
  if wish.own == "first" then -- of the base, where it has one
    local own = self:take(roles, { own = true, filled = wish.filled, test = wish.test })
    if own then return own end
  end
  local wanted, others = {}, {}
  for _, node in ipairs(wish.own == true and { self.base } or wish.nodes or self.tree.nodes) do
    for _, attribute in ipairs(node.attributes) do
      if roles[attribute.role] and not self.used[attribute] and not (wish.filled and attribute.nullable)
          and (not wish.test or wish.test(attribute)) then
        local list = self.need[node] and wanted or others
        list[#list + 1] = attribute
      end
    end
  end
  local chosen = self.draw:pick(#wanted > 0 and wanted or others)
  if chosen then
    self.used[chosen] = true
    self:use(chosen.node)
  end
  return chosen
end

--- A table to group by, other than the base: one that wants use before others.
---@param nodes nlsql.TreeNode[]?
---@return nlsql.TreeNode?
function Growth:take_entity(nodes)
  local wanted, others = {}, {}
  for _, node in ipairs(nodes or self.tree.nodes) do
    if node.parent and #node.label > 0 and #node.entity.key > 0 and node.entity.rows > 1 then
      local list = self.need[node] and wanted or others
      list[#list + 1] = node
    end
  end
  local chosen = self.draw:pick(#wanted > 0 and wanted or others)
  if chosen then
    self:use(chosen)
    self.settled[chosen] = true
    for _, attribute in ipairs(chosen.label) do self.used[attribute] = true end
  end
  return chosen
end

--- --- conditions ----------------------------------------------------------------------------------

local FILTERED = words.set "category label text number year date flag array"

local function narrow(self, condition, left)
  local node = condition.attribute.node
  -- a row that is named needs no more said of it
  if condition.name == "eq" and node.label[1] == condition.attribute then self.settled[node] = true end
  self.conditions[#self.conditions + 1] = condition
  self.rows = left
end

--- Adds one condition on an attribute of the nodes (nil: any); false where none could be found.
---@param nodes nlsql.TreeNode[]?
---@return nlsql.Condition?
function Growth:filter(nodes)
  for _ = 1, 4 do
    local need = {}
    for node in pairs(self.need) do need[#need + 1] = node end
    local attribute = self:take(FILTERED, { nodes = nodes, test = function(one) return not self.settled[one.node] end })
    if not attribute then return nil end
    local condition, left = conditions.on(self.draw, attribute, self.rows)
    if condition then
      narrow(self, condition, left)
      return condition
    end
    for _, node in ipairs(need) do self.need[node] = true end
  end
end

--- Adds up to `most` conditions, drawn, and as many as leaves still want use; false where a leaf
--- stays without. A leaf that must be used comes first.
---@param most integer
---@param nodes nlsql.TreeNode[]?
---@return boolean
function Growth:filters(most, nodes)
  local wanted = self.draw:int(most + 1) - 1
  for _ = 1, wanted do self:filter(nodes) end
  return self:cover(nodes)
end

--- Says that the node's row is there, where some rows have none and no condition on it says so: its
--- columns are shown, or shares counted, of the rows that joining leaves.
---@param node nlsql.TreeNode
function Growth:present(node)
  while node and not node.optional do node = node.parent end
  if not node then return end
  for _, condition in ipairs(self.conditions) do
    if is_below(condition.attribute.node, node) then return end
  end
  self.conditions[#self.conditions + 1] = {
    name = "present", kind = conditions.PRESENT, attribute = { node = node }, values = {},
  }
end

--- A condition for each leaf (of the nodes) that nothing uses yet.
---@param nodes nlsql.TreeNode[]?
---@return boolean
function Growth:cover(nodes)
  for _, leaf in ipairs(self.tree.leaves) do
    local inside = not nodes
    for _, node in ipairs(nodes or {}) do inside = inside or node == leaf end
    if inside and self.need[leaf] and not self:filter { leaf } then return false end
  end
  return true
end

--- Keeps only rows in which the attribute has a value: its condition or its sum would be NULL else.
---@param attribute nlsql.NodeAttribute
---@return boolean some are left
function Growth:filled(attribute)
  if not attribute.nullable then return true end
  local left = {}
  for _, row in ipairs(self.rows) do
    if row[attribute.at] ~= nil then left[#left + 1] = row end
  end
  self.rows = left
  return #left > 0
end

--- --- SQL -----------------------------------------------------------------------------------------

--- The conditions in SQL.
---@param list nlsql.Condition[]?
---@return string[]
function Growth:where(list)
  local out = {}
  for _, condition in ipairs(list or self.conditions) do out[#out + 1] = conditions.sql(condition) end
  return out
end

--- FROM's text for a node and those above it that are in `nodes` (nil: the whole tree).
---@param nodes nlsql.TreeNode[]?
---@return string
function Growth:from(nodes)
  nodes = nodes or self.tree.nodes
  local first = nodes[1]
  local out = { first.entity.ref .. (first.alias ~= "" and self:as() .. first.alias or "") }
  for i = 2, #nodes do
    local node = nodes[i]
    out[i] = ("JOIN %s%s%s ON %s"):format(node.entity.ref, self:as(), node.alias,
      tree.on(node.parent.alias, node.alias, node.edge))
  end
  return table.concat(out, " ")
end

--- " AS " or " ", the same for the whole query.
function Growth:as()
  self.as_word = self.as_word or (self.draw:chance(0.5) and " AS " or " ")
  return self.as_word
end

--- Keeps a name of the result for the construct's own column: call it before any other has one.
---@param name string
function Growth:reserve(name) self.names[name] = true end

--- A column of the result: with a name of its own where its bare one is taken or says too little.
---@param attribute nlsql.NodeAttribute
---@return string
function Growth:output(attribute)
  local bare = not attribute.json and catalog.quote(attribute.name) == attribute.name and attribute.name
  local name = bare
  if not bare or self.names[bare] or (attribute.node.parent and self.draw:chance(0.5)) then
    name = english.column(english.name(attribute))
    local n = 1
    while self.names[name] do
      n = n + 1
      name = english.column(english.name(attribute)) .. "_" .. n
    end
  end
  self.names[name] = true
  if name == bare then return attribute.expr end
  return ("%s AS %s"):format(attribute.expr, catalog.quote(name))
end

--- Measures as columns of the result; each knows its name (`column`) from now on.
---@param measures nlsql.Measure[]
---@return string[]
function Growth:measured(measures)
  local out = {}
  for i, measure in ipairs(measures) do
    local name, n = english.measure_column(measure, self.base.entity.noun), 1
    measure.column = name
    while self.names[measure.column] do
      n = n + 1
      measure.column = name .. "_" .. n
    end
    self.names[measure.column] = true
    out[i] = ("%s AS %s"):format(pieces.measure(measure), measure.column)
  end
  return out
end

--- --- groups --------------------------------------------------------------------------------------

---@class nlsql.Group
---@field noun string         "customer", "status", "customer country"
---@field nouns string
---@field shown string        what is shown of each: "customer name", "status"
---@field identify string     a sentence that says so, or ""
---@field columns string[]    of the result
---@field by string[]         of GROUP BY
---@field order string[]      breaks ties between groups
---@field ties string         the same in words
---@field attribute nlsql.NodeAttribute? where it is one attribute
---@field node nlsql.TreeNode? where it is a table's rows

local function group_by_node(self, node)
  local group = { noun = node.noun, nouns = words.plural(node.noun), shown = english.label(node), columns = {},
    by = pieces.key(node), order = {}, node = node }
  local parts = {}
  for i, attribute in ipairs(node.label) do parts[i] = attribute.phrase end
  group.identify = (" Identify each %s by %s."):format(node.noun, words.all(parts))
  local seen = {}
  for _, expr in ipairs(group.by) do seen[expr] = true end
  local unique = false
  for i, attribute in ipairs(node.label) do
    group.columns[i] = self:output(attribute)
    group.order[i] = attribute.expr
    if not seen[attribute.expr] then group.by[#group.by + 1] = attribute.expr end
    unique = unique or seen[attribute.expr] or attribute.distinct == node.entity.rows
  end
  group.ties = english.label(node)
  if not unique then
    for _, expr in ipairs(pieces.key(node)) do group.order[#group.order + 1] = expr end
    group.ties = group.ties .. ", then by " .. node.noun .. " ID"
  end
  return group
end

local function group_by_attribute(self, attribute)
  local name = english.name(attribute)
  return { noun = name, nouns = words.plural(name), shown = name, columns = { self:output(attribute) },
    by = { attribute.expr }, order = { attribute.expr }, ties = name, identify = "", attribute = attribute }
end

local GROUPED = { category = true }

--- Something to group the base's rows by: a table that it refers to, or a category; nil where there
--- is neither. `only` "entity" or "attribute" for one of the two.
---@param only string?
---@return nlsql.Group?
function Growth:group(only)
  local first = only or (self.draw:chance(0.5) and "entity" or "attribute")
  if first == "entity" then
    local node = self:take_entity()
    if node then return group_by_node(self, node) end
    if only then return nil end
  end
  local attribute = self:take(GROUPED, { filled = true })
  if attribute then return group_by_attribute(self, attribute) end
  local node = not only and self:take_entity()
  return node and group_by_node(self, node) or nil
end

--- A measure of the base's rows: their number, or something about a number or a date of theirs.
---@param fns table<string, boolean>? those that may be (nil: all)
---@return nlsql.Measure?
function Growth:measure(fns)
  local function may(fn) return (not fns or fns[fn]) and (not self.measures or self.measures[fn]) end
  if may("count") and self.draw:chance(0.4) then return { fn = "count" } end
  local numeric = may("avg") or may("sum")
  local extremes = may("min") or may("max")
  local attribute = self:take({ number = true, date = extremes, year = extremes }, { own = true })
  if attribute and self:filled(attribute) then
    local able = {}
    if attribute.role == "number" and numeric then
      if may("avg") then able[#able + 1] = { fn = "avg", weight = 2 } end
      if may("sum") and attribute.additive then able[#able + 1] = { fn = "sum", weight = 3 } end
    end
    if may("min") then able[#able + 1] = { fn = "min", weight = 1 } end
    if may("max") then able[#able + 1] = { fn = "max", weight = 1 } end
    local chosen = #able > 0 and self.draw:weighted(able)
    if chosen then
      return { fn = chosen.fn, attribute = attribute, round = chosen.fn == "avg" }
    end
  end
  return may("count") and { fn = "count" } or nil
end

--- The plural noun of the base with its conditions: "orders whose status is 'paid'".
---@param list nlsql.Condition[]?
---@return string
function Growth:nouns(list) return self.base.entity.nouns .. english.that(list or self.conditions) end

return growth
