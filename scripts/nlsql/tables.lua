--- tables: sets of tables that belong together.
---
--- The model is asked for sets that make interesting questions; what it names is checked against
--- the schema, and foreign keys complete the list where it gives too few. Where the schema does not fit
--- one prompt, it is asked over neighbourhoods (see nlsql.neighbourhoods), spread over the schema.

local console = require "nlsql.console"
local draws = require "nlsql.grammar.draw"
local graph = require "nlsql.graph"
local neighbourhoods = require "nlsql.neighbourhoods"
local providers = require "nlsql.providers"
local replies = require "nlsql.replies"

local tables = {}

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

--- --- requests ----------------------------------------------------------------------------------

--- Sets that a request asks for at least, where the schema takes several: its tables are many tokens.
local WORTHWHILE = 2

--- The part of a budget that neighbourhoods are grown to: their size is an estimate.
local FILLED = 0.95

---@class nlsql.SetRequest
---@field tables string[]?    what it shows; nil: the whole schema
---@field schema_json string
---@field cut string?         what it does not show
---@field most integer        sets that it asks for

--- Shares out `total` by how many tables each piece is about; each gets one at least.
local function share_out(pieces, total)
  local all, sum, given, out = 0, 0, 0, {}
  for _, piece in ipairs(pieces) do all = all + piece.new end
  for i, piece in ipairs(pieces) do
    sum = sum + piece.new
    out[i] = math.max(1, math.floor(total * sum / all + 0.5) - given)
    given = given + out[i]
  end
  return out
end

local function in_pieces(ctx, total, budget)
  local g = graph.for_run(ctx)
  local pieces, loose = neighbourhoods.of(ctx.schema, g, math.floor(budget * FILLED))
  local chosen = graph.spread(pieces, math.max(1, total // WORTHWHILE), draws.new(ctx.settings.seed, "neighbourhoods"))
  local shares, out = share_out(chosen, total), {}
  for i, piece in ipairs(chosen) do
    local json, cut = ctx:schema_json(piece.tables, budget)
    out[i] = { tables = piece.tables, schema_json = json, most = shares[i],
      cut = ("these are %d of its %d tables%s"):format(#piece.tables, #g.names, cut and "; of these are " .. cut or "") }
  end
  console.info(("join sets: %d tables do not fit one prompt of %d tokens: asked for in %d of %d neighbourhoods%s"):format(
    #g.names, budget, #chosen, #pieces,
    loose > 0 and ("; %d tables that nothing links are left out"):format(loose) or ""))
  return out
end

--- One request over the whole schema where it fits a prompt, else one for each of some neighbourhoods.
---@return nlsql.SetRequest[]
local function plan_requests(ctx, total)
  local budget = ctx.settings.schema_tokens
  local schema_json, cut = ctx:schema_json(nil, budget)
  -- who reads no prompt, the grammar, grows its sets over the whole graph
  if not cut or not ctx.llm.provider.reads_prompts then
    return { { schema_json = schema_json, cut = cut, most = total } }
  end
  return in_pieces(ctx, total, budget)
end

--- The sets of a reply as references, unknown tables dropped; how many were.
local function read_sets(ctx, content)
  local sets, dropped = {}, 0
  for _, named in ipairs(replies.sets(content)) do
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
    if #set > 0 then sets[#sets + 1] = graph.for_run(ctx):linked(set) end
  end
  return sets, dropped
end

--- Asks the model for the sets of one request.
local function ask(ctx, template, least, request)
  local messages, why = ctx:render(template, {
    schema_json = request.schema_json, cut = request.cut or false, total_table_pairs = request.most, min_joins = least,
  })
  if not messages then return { message = why, code = "config" } end
  local reply, message, code = ctx.llm:chat { purpose = "join_set", messages = messages, schema = SCHEMA,
    task = { kind = "table_sets", least = least, most = request.most, tables = request.tables } }
  if not reply then return { message = message, code = code } end
  if reply.gave_up then console.warn("join sets: " .. reply.message) end
  local sets, dropped = read_sets(ctx, reply.content)
  if #sets == 0 and not reply.gave_up and not reply.exhausted then
    local _, state = replies.sets(reply.content)
    console.warn(("join sets: %s"):format(replies.nothing(reply.outcome, state, "set of tables")))
  end
  return { sets = sets, dropped = dropped }
end

--- The sets of each request, in the order of the requests.
---@return string[][][]?, string?, string?
local function ask_all(ctx, template, least, requests)
  local out, dropped, stop = {}, 0, nil
  local answers = ctx:map(requests, ctx.settings.parallelism, function(request)
    if stop then return stop end
    local answer = ask(ctx, template, least, request)
    if not answer.sets then stop = answer end
    return answer
  end)
  if stop then return nil, stop.message, stop.code end
  for i, answer in ipairs(answers) do
    out[i] = answer.sets
    dropped = dropped + answer.dropped
  end
  if dropped > 0 then console.info(("join sets: %d names of no table were dropped"):format(dropped)) end
  return out
end

--- Adds the sets that foreign keys suggest until there are `total`.
local function add_connected(ctx, sets, seen, least, total)
  local given = #sets
  graph.for_run(ctx):connected(least, total, ctx.settings.seed, function(set)
    add(sets, seen, set, least)
    return #sets >= total
  end)
  if #sets > given then
    console.info(("join sets: %d from the %s, %d more from foreign keys"):format(given,
      providers.of(ctx.settings).noun, #sets - given))
  end
end

--- Up to `total` sets of at least `least` tables: the model's first, then those that foreign keys
--- suggest; where there are neither, all tables as one set.
---@param ctx nlsql.Context
---@param template string
---@param least integer
---@param total integer
---@return string[][]?, string?, string?
function tables.suggested(ctx, template, least, total)
  local names = ctx.schema:names()
  if #names < least then
    return nil, ("the schema has %d tables, fewer than the %d that a query must join"):format(#names, least), "db"
  end
  local requests = plan_requests(ctx, total)
  local answers, message, code = ask_all(ctx, template, least, requests)
  if not answers then return nil, message, code end
  local sets, seen = {}, {}
  -- each neighbourhood its share first, so that what some gave beyond theirs takes no other's place
  for _, beyond in ipairs { false, true } do
    for i, list in ipairs(answers) do
      local share = requests[i].most
      for k = beyond and share + 1 or 1, beyond and #list or math.min(share, #list) do
        if #sets < total then add(sets, seen, list[k], least) end
      end
    end
  end
  if #sets < total then add_connected(ctx, sets, seen, least, total) end
  if #sets == 0 then sets[1] = requests[1].tables or names end
  return sets
end

--- Does the table hold a row that we can see? One that does not say in time counts as filled.
---@param ctx nlsql.Context
---@param ref string
---@return boolean
function tables.filled(ctx, ref)
  if #ctx.schema:table(ref).columns == 0 then return false end
  local result = ctx.db:query(("SELECT 1 FROM %s LIMIT 1"):format(ref), nil, { statement_timeout = 5, max_rows = 1 })
  return not result or #result.rows > 0
end

--- Names that a message lists.
local NAMED = 8

--- The first few of a list of tables, and how many more there are, for a message.
---@param refs string[]
---@return string
function tables.some(refs)
  local first = table.concat(refs, ", ", 1, math.min(NAMED, #refs))
  return #refs > NAMED and ("%s and %d more"):format(first, #refs - NAMED) or first
end

return tables
