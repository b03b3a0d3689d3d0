--- tree: tables joined from one that refers up to those that it refers to, and rows to see what holds.
---
--- Every join goes from a row to the one row that its foreign key names, so joining never multiplies
--- rows: what a query counts or adds up are always rows of the first table, the base.

local catalog = require "nlsql.catalog"
local disguise = require "nlsql.grammar.disguise"
local json = require "nlsql.json"
local profile = require "nlsql.grammar.profile"
local words = require "nlsql.grammar.words"

local tree = {}

---@class nlsql.TreeNode
---@field entity nlsql.Entity
---@field alias string        "" where the tree has but one table
---@field parent nlsql.TreeNode?
---@field edge table?         the foreign key that leads here
---@field noun string         what it is to the base: "customer", "billing address", "customer's country"
---@field plain boolean        called by its own noun, and so is each table on the way to it
---@field optional boolean     some rows of the parent have none
---@field attributes nlsql.NodeAttribute[]

---@class nlsql.NodeAttribute : nlsql.Attribute
---@field node nlsql.TreeNode
---@field at integer          its place in each row of the tree
---@field expr string         as SQL writes it: "c.name"

---@class nlsql.Tree
---@field nodes nlsql.TreeNode[]  the base first, parents before their children
---@field leaves nlsql.TreeNode[] nodes that lead to no other
---@field lexicon nlsql.Lexicon
---@field rows any[][]        a sample of the joined rows; numbers are numbers, NULL is nil

--- --- which tables, along which keys -------------------------------------------------------------

--- A random way to reach all of `set` from `base` along foreign keys, or nil: steps {parent index, edge}.
local function span(lexicon, set, base, draw)
  local inside, steps, nodes = {}, {}, { base }
  for _, ref in ipairs(set) do inside[ref] = true end
  inside[base] = nil
  local left = #set - 1
  while left > 0 do
    local open = {}
    for i, ref in ipairs(nodes) do
      for _, edge in ipairs(lexicon:edges_from(ref)) do
        if inside[edge.to] then open[#open + 1] = { i, edge } end
      end
    end
    local step = draw:pick(open)
    if not step then return nil, #nodes end
    steps[#steps + 1] = step
    nodes[#nodes + 1] = step[2].to
    inside[step[2].to] = nil
    left = left - 1
  end
  return steps
end

--- How often a table that refers to itself is joined to itself as well.
local SELF_JOINS = 0.2

--- Adds, sometimes, a step from a table to another row of its own: employees and their managers.
local function add_self(lexicon, base, steps, draw)
  local able, nodes = {}, { base }
  for _, step in ipairs(steps) do nodes[#nodes + 1] = step[2].to end
  for i, ref in ipairs(nodes) do
    for _, edge in ipairs(lexicon:edges_from(ref)) do
      if edge.to == ref then able[#able + 1] = { i, edge } end
    end
  end
  if #able > 0 and draw:chance(SELF_JOINS) then steps[#steps + 1] = draw:pick(able) end
end

--- Tables of the set from which all others are reached. Where there is none: nil, and the one that
--- reaches most.
---@return string[]? set, string[] bases
local function bases_of(lexicon, set, draw)
  local bases, best, best_set = {}, 0, nil
  for _, base in ipairs(set) do
    local steps, reached = span(lexicon, set, base, draw)
    if steps then
      bases[#bases + 1] = base
    elseif reached > best then
      best, best_set = reached, base
    end
  end
  if #bases > 0 or best < 2 then return set, #bases > 0 and bases or { set[1] } end
  return nil, { best_set }
end

--- The part of `set` that `base` reaches.
local function reachable(lexicon, set, base)
  local inside, out, at = {}, { base }, 1
  for _, ref in ipairs(set) do inside[ref] = true end
  inside[base] = nil
  while out[at] do
    for _, edge in ipairs(lexicon:edges_from(out[at])) do
      if inside[edge.to] then
        inside[edge.to] = nil
        out[#out + 1] = edge.to
      end
    end
    at = at + 1
  end
  return out
end

--- --- names ---------------------------------------------------------------------------------------

local function initials(name)
  local out = {}
  for _, word in ipairs(words.split(name)) do out[#out + 1] = word:match("^%l") end
  local short = table.concat(out)
  return short ~= "" and short or "t"
end

local function alias_of(t, taken)
  local short, n = initials(t.name), 1
  local alias = short
  while taken[alias] or catalog.quote(alias) ~= alias do
    n = n + 1
    alias = short .. n
  end
  taken[alias] = true
  return alias
end

--- What a node is to rows of `base`: "customer" where an order can only mean one; else through whom:
--- "order's customer".
---@param lexicon nlsql.Lexicon
---@param base string
---@param node nlsql.TreeNode
---@return string
function tree.noun_for(lexicon, base, node)
  local role = node.edge.role
  -- "country" of a customer is not that of a preferred store
  local plain = role == lexicon.nouns[node.edge.to] and (not node.parent.parent or node.parent.plain)
  node.plain = plain
  if not node.parent.parent then return role end
  if plain and lexicon:only_path(base, node.edge.to) then return role end
  return words.owner(node.parent.noun) .. " " .. role
end

local function expression(node, attribute)
  if node.alias == "" then return attribute.sql end
  return node.alias .. "." .. attribute.sql
end

local function bind(node, attribute)
  return setmetatable({ node = node, expr = expression(node, attribute) }, { __index = attribute })
end

--- Do some rows name none, or none that is there? Joining leaves those out.
local function is_optional(node)
  if node.edge.orphans then return true end
  for _, name in ipairs(node.edge.columns) do
    if node.parent.entity.gaps[name] then return true end
  end
  return false
end

local function add_node(self, lexicon, node, taken, alone)
  node.alias = alone and "" or alias_of(node.entity.table, taken)
  node.optional = node.parent ~= nil and is_optional(node)
  node.noun = node.parent and tree.noun_for(lexicon, self.nodes[1].entity.ref, node) or node.entity.noun
  node.attributes = {}
  for i, attribute in ipairs(node.entity.attributes) do node.attributes[i] = bind(node, attribute) end
  node.label = {}
  for i, attribute in ipairs(node.entity.label) do
    node.label[i] = bind(node, attribute)
    for _, known in ipairs(node.attributes) do
      if known.name == attribute.name and not known.json then node.label[i] = known end
    end
  end
  self.nodes[#self.nodes + 1] = node
end

--- Foreign key columns as a join condition.
---@return string
function tree.on(parent_alias, child, edge)
  local parts = {}
  for i, name in ipairs(edge.columns) do
    parts[i] = ("%s.%s = %s.%s"):format(child, catalog.quote(edge.referred_columns[i]), parent_alias, catalog.quote(name))
  end
  return table.concat(parts, " AND ")
end

--- --- rows ----------------------------------------------------------------------------------------

--- Joined rows that are looked at, and letters of a text.
local SAMPLE, LETTERS = 240, 200

--- Rows of the base from which they come.
local BASE_ROWS = 4000

local function shown(attribute)
  if attribute.role == "date" then return ("to_char(%s, 'YYYY-MM-DD HH24:MI:SS')"):format(attribute.expr) end
  if attribute.role == "array" then return ("to_json(%s)::text"):format(attribute.expr) end
  if attribute.json or attribute.role == "text" or attribute.role == "label" then
    return ("left(%s, %d)"):format(attribute.json and "(" .. attribute.expr .. ")" or attribute.expr .. "::text", LETTERS)
  end
  return attribute.expr .. "::text"
end

local function base_source(entity, seed)
  local source = profile.source(entity.table, seed)
  if entity.rows <= BASE_ROWS or source ~= entity.ref then return source end
  return ("(SELECT %s FROM %s TABLESAMPLE BERNOULLI (%.4f) REPEATABLE (%d))"):format(profile.columns(entity.table), entity.ref,
    BASE_ROWS / entity.rows * 100, seed)
end

local function sample_query(self, seed)
  local columns, base = {}, self.nodes[1]
  for _, node in ipairs(self.nodes) do
    for _, attribute in ipairs(node.attributes) do
      columns[#columns + 1] = shown(attribute)
      attribute.at = #columns
    end
  end
  local from = { ("%s AS %s"):format(base_source(base.entity, seed), base.alias == "" and "t" or base.alias) }
  for i = 2, #self.nodes do
    local node = self.nodes[i]
    from[i] = ("JOIN %s AS %s ON %s"):format(node.entity.ref, node.alias, tree.on(node.parent.alias, node.alias, node.edge))
  end
  local order, alias = {}, base.alias == "" and "t" or base.alias
  for i, name in ipairs(base.entity.key) do order[i] = ("%s.%s::text"):format(alias, catalog.quote(name)) end
  local by = #order > 0 and table.concat(order, " || '/' || ")
    or ("ROW(%s)::text"):format(profile.columns(base.entity.table, alias))
  return ("SELECT %s FROM %s ORDER BY md5(%s), 1 LIMIT %d"):format(#columns > 0 and table.concat(columns, ", ") or "1",
    table.concat(from, " "), by, SAMPLE)
end

local function read_row(self, cells)
  local row = {}
  for _, node in ipairs(self.nodes) do
    for _, attribute in ipairs(node.attributes) do
      local cell = cells[attribute.at]
      if type(cell) == "string" then
        if (attribute.role == "number" or attribute.role == "year") then
          row[attribute.at] = tonumber(cell)
        elseif attribute.role == "array" then
          row[attribute.at] = json.decode(cell)
        else
          row[attribute.at] = cell
        end
      end
    end
  end
  return row
end

local function read_rows(self, lexicon)
  local rows = profile.ask(lexicon.db, sample_query(self, lexicon.seed))
  disguise.cells(lexicon.anon, self.nodes, rows)
  for i, cells in ipairs(rows) do rows[i] = read_row(self, cells) end
  return rows
end

--- --- trees ---------------------------------------------------------------------------------------

local function build(lexicon, base, steps)
  local self = { nodes = {}, leaves = {}, lexicon = lexicon }
  local taken, alone = {}, #steps == 0
  add_node(self, lexicon, { entity = lexicon:entity(base) }, taken, alone)
  for _, step in ipairs(steps) do
    local parent = self.nodes[step[1]]
    parent.leads = true
    add_node(self, lexicon, { entity = lexicon:entity(step[2].to), parent = parent, edge = step[2] }, taken, false)
  end
  for i = 2, #self.nodes do
    if not self.nodes[i].leads then self.leaves[#self.leaves + 1] = self.nodes[i] end
  end
  self.rows = read_rows(self, lexicon)
  return self
end

--- Trees that are kept: as many as items are under way at once, for each some.
local KEPT = 400

--- The tree of this name. Where there are too many, all are forgotten: their rows read the same again.
local function kept(lexicon, name, make)
  if not lexicon.trees[name] then
    if lexicon.n_trees >= KEPT then lexicon.trees, lexicon.n_trees = {}, 0 end
    lexicon.n_trees = lexicon.n_trees + 1
  end
  return profile.once(lexicon.trees, name, make)
end

--- A tree over the tables of `set`, drawn among the ways in which their keys connect them. The same
--- tree is the same table, and its rows are read once, while it is kept.
---@param lexicon nlsql.Lexicon
---@param set string[]
---@param draw nlsql.Draw
---@return nlsql.Tree
function tree.over(lexicon, set, draw)
  local whole, bases = bases_of(lexicon, set, draw)
  local base = draw:pick(bases)
  local steps = span(lexicon, whole or reachable(lexicon, set, base), base, draw) or {}
  add_self(lexicon, base, steps, draw)
  local names = { base }
  for _, step in ipairs(steps) do
    names[#names + 1] = ("%d>%s>%s"):format(step[1], table.concat(step[2].columns, ","), step[2].to)
  end
  return kept(lexicon, table.concat(names, "|"), function() return build(lexicon, base, steps) end)
end

--- --- sets of tables ------------------------------------------------------------------------------

--- Most tables of one set.
local MOST_TABLES = 5

--- Attributes that joined tables have at least: with fewer there is little to ask.
local LEAST_ATTRIBUTES = 4

--- How many attributes there are to ask about; 0 where a table is empty.
local function attributes_of(lexicon, set)
  local n = 0
  for _, ref in ipairs(set) do
    local entity = lexicon:entity(ref)
    if entity.rows == 0 then return 0 end
    n = n + #entity.attributes
  end
  return n
end

--- Is there a row once the tables are joined?
local function has_rows(lexicon, set, draw) return #tree.over(lexicon, set, draw).rows > 0 end

--- A set grown at random from `start` along foreign keys.
local function grow(lexicon, start, size, draw)
  local set, inside = { start }, { [start] = true }
  while #set < size do
    local open = {}
    for _, ref in ipairs(set) do
      for _, edge in ipairs(lexicon:edges_from(ref)) do
        if not inside[edge.to] then open[#open + 1] = edge.to end
      end
    end
    local ref = draw:pick(open)
    if not ref then break end
    inside[ref] = true
    set[#set + 1] = ref
  end
  return set
end

--- Sets in a row that are no news, after which there are no others.
local MISSES = 200

--- Up to `most` different sets of at least `least` tables that foreign keys connect so that one
--- table of the set refers, through others of it, to all the rest. Those with little to ask about are
--- taken where there are no others.
---@param lexicon nlsql.Lexicon
---@param least integer
---@param most integer
---@param draw nlsql.Draw
---@return string[][]
function tree.sets(lexicon, least, most, draw)
  local starts, sets, seen, thin = {}, {}, {}, {}
  for _, ref in ipairs(lexicon.schema:names()) do
    if lexicon:refers(ref) or least <= 1 then starts[#starts + 1] = ref end
  end
  local misses, round = 0, {}
  while #sets < most and misses < MISSES and #starts > 0 do
    if #round == 0 then round = draw:shuffled(starts) end -- every table starts as often as any other
    local size = least
    while size < MOST_TABLES and draw:chance(0.45) do size = size + 1 end
    local set = grow(lexicon, table.remove(round), size, draw)
    local sorted = table.move(set, 1, #set, 1, {})
    table.sort(sorted)
    local key = table.concat(sorted, "+")
    local fresh = not seen[key]
    seen[key] = true
    local n = fresh and #set >= least and attributes_of(lexicon, set) or 0
    local enough = n >= (#set > 1 and LEAST_ATTRIBUTES or 1)
    if enough and has_rows(lexicon, set, draw) then
      sets[#sets + 1] = set
      misses = 0
    else
      if not enough and n > 0 then thin[#thin + 1] = set end
      misses = misses + 1
    end
  end
  for i = 1, #sets == 0 and math.min(most, #thin) or 0 do
    if has_rows(lexicon, thin[i], draw) then sets[#sets + 1] = thin[i] end
  end
  return sets
end

return tree
