--- graph: the tables of a schema and the foreign keys between them.

local draws = require "nlsql.grammar.draw"

local graph = {}

---@class nlsql.Graph
---@field names string[]                   all tables, by schema and name
---@field near table<string, string[]>     neighbours by foreign keys, each way, each once, in a fixed order
---@field parents table<string, string[]>  the tables that a table refers to, itself left out
---@field edges table<string, integer>     foreign keys of a table, and those that refer to it
local Graph = {}
Graph.__index = Graph

local function append(map, key, value)
  local list = map[key]
  if not list then
    list = {}
    map[key] = list
  end
  list[#list + 1] = value
end

--- Reads the keys of a schema once.
---@param schema nlsql.Catalog
---@return nlsql.Graph
function graph.of(schema)
  local self = setmetatable({ names = schema:names(), near = {}, parents = {}, edges = {} }, Graph)
  local seen = {}
  for _, edge in ipairs(schema:edges()) do
    local from, to = edge.from, edge.to
    if from ~= to then
      self.edges[from] = (self.edges[from] or 0) + 1
      self.edges[to] = (self.edges[to] or 0) + 1
      local there, back = from .. "\0" .. to, to .. "\0" .. from
      if not seen[there] then append(self.parents, from, to) end
      if not seen[there] and not seen[back] then
        append(self.near, from, to)
        append(self.near, to, from)
      end
      seen[there] = true
    end
  end
  return self
end

--- The graph of a run's schema, read once.
---@param ctx nlsql.Context
---@return nlsql.Graph
function graph.for_run(ctx)
  ctx.graph = ctx.graph or graph.of(ctx.schema)
  return ctx.graph
end

--- `n` of the list, as evenly spread over it as they can be; the draw says where the first lies. All of
--- them where there are no more.
---@generic T
---@param list T[]
---@param n integer
---@param draw nlsql.Draw
---@return T[]
function graph.spread(list, n, draw)
  if n >= #list then return table.move(list, 1, #list, 1, {}) end
  local out, first = {}, draw:real()
  for i = 1, n do out[i] = list[math.floor((i - 1 + first) * #list / n) + 1] end
  return out
end

--- --- connected sets ------------------------------------------------------------------------------

--- Grows one set to `size`, depth first. `visit(set)` gets each that is full, and says whether to stop.
local function grow(near, set, inside, size, visit)
  if #set == size then return visit(set) end
  for i = 1, #set do
    for _, other in ipairs(near[set[i]] or {}) do
      if not inside[other] then
        set[#set + 1], inside[other] = other, true
        local over = grow(near, set, inside, size, visit)
        set[#set], inside[other] = nil, nil
        if over then return true end
      end
    end
  end
end

--- Connected sets of `size` tables, grown from each table along foreign keys: first one from each
--- table (of a large schema from tables spread over it), then further ones, so that a short list
--- covers the schema. `take(set)` gets each, some more than once, until it returns true.
---@param size integer
---@param few integer  sets that are wanted, about
---@param seed integer
---@param take fun(set: string[]): boolean
function Graph:connected(size, few, seed, take)
  local over = false
  local function offer(set)
    over = take(table.move(set, 1, #set, 1, {}))
    return over
  end
  local function first_only(set)
    offer(set)
    return true
  end
  local linked = {}
  for _, name in ipairs(self.names) do
    if self.near[name] then linked[#linked + 1] = name end
  end
  local starts = graph.spread(linked, few, draws.new(seed, "connected sets"))
  if #starts < #linked then starts = table.move(linked, 1, #linked, #starts + 1, starts) end
  for _, visit in ipairs { first_only, offer } do
    for _, name in ipairs(starts) do
      if over then return end
      grow(self.near, { name }, { [name] = true }, size, visit)
    end
  end
end

--- --- links ---------------------------------------------------------------------------------------

--- Most tables that are added to a set to link its members.
local MOST_LINKS = 3

--- The tables on a shortest path of foreign keys from the set to `target`, itself last; nil where there
--- is none with so few between.
local function path_to(near, inside, target)
  local from, queue, first = { [target] = target }, { target }, 1
  local steps = { [target] = 0 }
  while queue[first] do
    local at = queue[first]
    first = first + 1
    for _, other in ipairs(near[at] or {}) do
      if inside[other] then
        local path = {}
        while at ~= target do
          path[#path + 1] = at
          at = from[at]
        end
        path[#path + 1] = target
        return path
      elseif not from[other] and steps[at] < MOST_LINKS then
        from[other], steps[other] = at, steps[at] + 1
        queue[#queue + 1] = other
      end
    end
  end
end

--- Adds the tables that link the members of a set along foreign keys (customer and track need
--- invoice and invoice_line between them). A set that no keys link, or only many of them, stays as
--- it is.
---@param set string[]
---@return string[]
function Graph:linked(set)
  local inside, out = { [set[1]] = true }, { set[1] }
  for i = 2, #set do
    if not inside[set[i]] then
      for _, ref in ipairs(path_to(self.near, inside, set[i]) or { set[i] }) do
        inside[ref] = true
        out[#out + 1] = ref
      end
    end
  end
  return #out <= #set + MOST_LINKS and out or set
end

return graph
