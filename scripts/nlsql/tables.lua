--- tables: sets of tables that belong together.
---
--- The model is asked for sets that make interesting questions; what it names is checked against
--- the schema, and foreign keys complete the list where it gives too few.

local console = require "nlsql.console"
local replies = require "nlsql.replies"

local tables = {}

--- Tokens that a prompt may spend on the schema.
tables.SCHEMA_TOKENS = 24000

local SCHEMA = {
  name = "table_sets",
  schema = {
    type = "object", additionalProperties = false, required = { "sets" },
    properties = {
      sets = {
        type = "array",
        items = {
          type = "object", additionalProperties = false, required = { "tables" },
          properties = { tables = { type = "array", items = { type = "string" } } },
        },
      },
    },
  },
}

local function key_of(set)
  local sorted = table.move(set, 1, #set, 1, {})
  table.sort(sorted)
  return table.concat(sorted, "+")
end

--- Adds a set unless it is there already or too small.
local function add(sets, seen, set, least)
  local key = key_of(set)
  if #set < least or seen[key] then return false end
  seen[key] = true
  sets[#sets + 1] = set
  return true
end

--- Neighbours by declared foreign keys, each way, in a fixed order.
local function neighbours(ctx)
  local near = {}
  local function link(a, b)
    near[a] = near[a] or {}
    near[a][#near[a] + 1] = b
  end
  for _, edge in ipairs(ctx.schema:edges()) do
    if edge.from ~= edge.to then
      link(edge.from, edge.to)
      link(edge.to, edge.from)
    end
  end
  return near
end

--- Connected sets of `size` tables, grown from each table along foreign keys: first one from each
--- table, then further ones, so that a short list covers the schema. At most `most`.
---@return string[][]
function tables.connected(ctx, size, most)
  local near, sets, seen = neighbours(ctx), {}, {}
  local function grow(set, inside)
    if #sets >= most then return end
    if #set == size then
      add(sets, seen, table.move(set, 1, #set, 1, {}), size)
      return true
    end
    for _, member in ipairs(set) do
      for _, other in ipairs(near[member] or {}) do
        if not inside[other] then
          set[#set + 1], inside[other] = other, true
          local fresh = grow(set, inside)
          set[#set], inside[other] = nil, nil
          if fresh then return true end
        end
      end
    end
  end
  local function grow_all(set, inside)
    if #sets >= most then return end
    if #set == size then return add(sets, seen, table.move(set, 1, #set, 1, {}), size) end
    for i = 1, #set do
      for _, other in ipairs(near[set[i]] or {}) do
        if not inside[other] then
          set[#set + 1], inside[other] = other, true
          grow_all(set, inside)
          set[#set], inside[other] = nil, nil
        end
      end
    end
  end
  local names = ctx.schema:names()
  for _, name in ipairs(names) do grow({ name }, { [name] = true }) end
  for _, name in ipairs(names) do grow_all({ name }, { [name] = true }) end
  return sets
end

--- Most tables that are added to a set to link its members.
local MAX_LINKS = 3

--- The tables on a shortest path along foreign keys from the set to `target`, or nil.
local function path_to(near, inside, target)
  local from, queue, first = { [target] = target }, { target }, 1
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
        return path
      elseif not from[other] then
        from[other] = at
        queue[#queue + 1] = other
      end
    end
  end
end

--- Adds the tables that link the members of a set along foreign keys (customer and track need
--- invoice and invoice_line between them). A set that no keys link stays as it is.
local function linked(near, set)
  local inside, out = { [set[1]] = true }, { set[1] }
  for i = 2, #set do
    local path = not inside[set[i]] and path_to(near, inside, set[i])
    for _, ref in ipairs(path or {}) do
      inside[ref] = true
      out[#out + 1] = ref
    end
    if not inside[set[i]] then
      inside[set[i]] = true
      out[#out + 1] = set[i]
    end
  end
  return #out <= #set + MAX_LINKS and out or set
end

--- Asks the model; returns its sets as references, unknown tables dropped.
local function from_model(ctx, template, least, most)
  local schema_json, cut = ctx:schema_json(nil, tables.SCHEMA_TOKENS)
  local messages, why = ctx:render(template, {
    schema_json = schema_json, cut = cut or false, total_table_pairs = most, min_joins = least,
  })
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat { purpose = "join_set", messages = messages, schema = SCHEMA,
    task = { kind = "table_sets", least = least, most = most } }
  if not reply then return nil, message, code end
  local sets, dropped, near = {}, 0, neighbours(ctx)
  for _, named in ipairs(replies.sets(reply.content)) do
    local set, inside = {}, {}
    for _, name in ipairs(named) do
      local ref = ctx.schema:find(name)
      if not ref then
        dropped = dropped + 1
      elseif not inside[ref] then
        inside[ref] = true
        set[#set + 1] = ref
      end
    end
    if #set > 0 then sets[#sets + 1] = linked(near, set) end
  end
  if dropped > 0 then console.info(("join sets: %d names of no table were dropped"):format(dropped)) end
  return sets
end

--- Up to `total` sets of at least `least` tables: the model's first, then those that foreign keys
--- suggest; where there are neither, all tables as one set.
---@param ctx nlsql.Context
---@param template string
---@return string[][]?, string?, string?
function tables.suggested(ctx, template, least, total)
  local names = ctx.schema:names()
  if #names < least then
    return nil, ("the schema has %d tables, fewer than the %d that a query must join"):format(#names, least), "db"
  end
  local sets, seen = {}, {}
  local asked, message, code = from_model(ctx, template, least, total)
  if not asked then return nil, message, code end
  for _, set in ipairs(asked) do
    if #sets >= total then break end
    add(sets, seen, set, least)
  end
  if #sets < total then
    local given = #sets
    for _, set in ipairs(tables.connected(ctx, least, total)) do
      if #sets >= total then break end
      add(sets, seen, set, least)
    end
    if #sets > given then
      console.info(("join sets: %d from the %s, %d more from foreign keys"):format(given,
        ctx.settings.provider == "offline" and "grammar" or "model", #sets - given))
    end
  end
  if #sets == 0 then sets[1] = names end
  return sets
end

return tables
