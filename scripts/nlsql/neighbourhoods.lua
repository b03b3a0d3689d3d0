--- neighbourhoods: a schema too large for one prompt, in pieces of tables that belong together.
---
--- A piece grows along foreign keys until the token budget is full. A table comes with all tables that it
--- refers to, so each foreign key lies within some piece, and a table to which many refer is in many.
--- Small connected parts share a piece. Tables without keys are linked by what is plainly alike: a
--- column named after a table (customer_id), an identifier with the same name.
---
--- What comes out depends on the schema and the budget alone.

local jobs = require "nlsql.jobs"
local words = require "nlsql.grammar.words"

local neighbourhoods = {}

---@class nlsql.Neighbourhood
---@field tables string[]  in the order in which they were added
---@field new integer      tables of it that no earlier one is about
---@field tokens integer   about what its tables take in a prompt

--- --- likeness ------------------------------------------------------------------------------------

local SUFFIXES = words.set "id key code no nr number uuid ref fk"

--- The part of an identifier's name before "_id" and the like; nil where it is none, or nothing but that.
local function stem_of(name)
  local list = words.split(name)
  local last = list[#list]
  if #list > 1 and SUFFIXES[last] then return table.concat(list, "_", 1, #list - 1) end
  return #list == 1 and last:match("^(%l+)id$") or nil
end

local function link(near, a, b)
  for _, pair in ipairs { { a, b }, { b, a } } do
    local list = near[pair[1]] or {}
    near[pair[1]] = list
    list[#list + 1] = pair[2]
  end
end

--- Tables by their names in the singular, of those names that mean one table only.
local function by_noun(schema, names)
  local out = {}
  for _, ref in ipairs(names) do
    local noun = words.singular(words.humanise(schema:table(ref).name)):gsub(" ", "_")
    out[noun] = out[noun] == nil and ref or false
  end
  return out
end

--- Links between tables of which at least one has no key, by what is alike; in the form of
--- nlsql.Graph.near.
---@param schema nlsql.Catalog
---@param names string[]
---@param alone string[]  those without keys
---@return table<string, string[]>
function neighbourhoods.alike(schema, names, alone)
  local near, last_with = {}, {}
  if #alone == 0 then return near end
  local tables = by_noun(schema, names)
  for i, ref in ipairs(alone) do
    if i % 200 == 0 then jobs.sleep(0) end
    for _, column in ipairs(schema:table(ref).columns) do
      local name = column.name:lower()
      local stem = stem_of(name)
      if stem then
        local target = tables[words.singular(stem)]
        if target and target ~= ref then link(near, ref, target) end
        -- in a chain, so that a name that all have costs no more than their number
        if last_with[name] and last_with[name] ~= ref then link(near, last_with[name], ref) end
        last_with[name] = ref
      end
    end
  end
  return near
end

--- --- growing -------------------------------------------------------------------------------------

--- About what one foreign key takes in a prompt.
local KEY_TOKENS = 28

--- Tokens of each table in a prompt, its keys included.
local function costs_of(schema, graph)
  local out = {}
  for i, ref in ipairs(graph.names) do
    if i % 200 == 0 then jobs.sleep(0) end
    local _, _, tokens = schema:render { format = "json", tables = { ref } }
    out[ref] = tokens + KEY_TOKENS * #(graph.parents[ref] or {})
  end
  return out
end

---@class nlsql.Growing
---@field near table<string, string[]>[] what is next to a table: by keys, by likeness
---@field done table<string, boolean> tables that some piece is about
local Growing = {}
Growing.__index = Growing

local function new_piece(self)
  self.piece, self.inside = { tables = {}, new = 0, tokens = 0 }, {}
  self.queue, self.first, self.queued = {}, 1, {}
end

local function close_piece(self)
  if #self.piece.tables > 0 then self.pieces[#self.pieces + 1] = self.piece end
  local left, first = self.queue, self.first
  new_piece(self)
  return left, first
end

local function enqueue(self, ref)
  if self.done[ref] or self.queued[ref] then return end
  self.queued[ref] = true
  self.queue[#self.queue + 1] = ref
end

local function enter(self, ref)
  if self.inside[ref] then return end
  self.inside[ref] = true
  self.piece.tables[#self.piece.tables + 1] = ref
  self.piece.tokens = self.piece.tokens + self.costs[ref]
  for _, near in ipairs(self.near) do
    for _, other in ipairs(near[ref] or {}) do enqueue(self, other) end
  end
end

--- Adds a table and those that it refers to; false where they do not fit beside what is there.
local function add(self, ref)
  local bundle, tokens = { ref }, self.inside[ref] and 0 or self.costs[ref]
  for _, parent in ipairs(self.parents[ref] or {}) do
    bundle[#bundle + 1] = parent
    if not self.inside[parent] then tokens = tokens + self.costs[parent] end
  end
  if #self.piece.tables > 0 and self.piece.tokens + tokens > self.budget then return false end
  self.done[ref] = true
  self.piece.new = self.piece.new + 1
  for _, one in ipairs(bundle) do enter(self, one) end
  return true
end

--- The next table of the queue that no piece is about yet.
local function next_of(self)
  while self.queue[self.first] do
    local ref = self.queue[self.first]
    self.first = self.first + 1
    if not self.done[ref] then return ref end
  end
end

--- Grows pieces from `start` until all that hangs together with it is in one.
local function grow(self, start)
  local ref = start
  while ref do
    if not add(self, ref) then
      local left, first = close_piece(self)
      add(self, ref)
      -- what the last piece had no room for is close by
      for i = first, #left do enqueue(self, left[i]) end
      jobs.sleep(0)
    end
    ref = next_of(self)
  end
end

--- The pieces of a schema. Tables that nothing links to another are in none, unless there are no others:
--- then they come in the order of their names. `loose` is how many were left out.
---@param schema nlsql.Catalog
---@param graph nlsql.Graph
---@param budget integer tokens
---@return nlsql.Neighbourhood[] pieces, integer loose
function neighbourhoods.of(schema, graph, budget)
  local alone = {}
  for _, ref in ipairs(graph.names) do
    if not graph.near[ref] then alone[#alone + 1] = ref end
  end
  local alike = neighbourhoods.alike(schema, graph.names, alone)
  local self = setmetatable({ near = { graph.near, alike }, parents = graph.parents, costs = costs_of(schema, graph),
    budget = budget, done = {}, pieces = {} }, Growing)
  new_piece(self)
  local linked = {}
  for _, ref in ipairs(graph.names) do
    if graph.near[ref] or alike[ref] then linked[#linked + 1] = ref end
  end
  for _, ref in ipairs(#linked > 0 and linked or graph.names) do
    if not self.done[ref] then grow(self, ref) end
  end
  close_piece(self)
  return self.pieces, #linked > 0 and #graph.names - #linked or 0
end

return neighbourhoods
