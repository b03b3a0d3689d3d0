--- relations: facts about how a table and others refer to each other.

local style = require "nlsql.grammar.docs.style"
local words = require "nlsql.grammar.words"

local relations = {}

local list = style.list

local function condition(edge, world)
  local parts = {}
  for i, name in ipairs(edge.columns) do
    parts[i] = ("%s.%s = %s.%s"):format(world.lexicon.tables[edge.from].reference, name,
      world.lexicon.tables[edge.to].reference,
      edge.referred_columns[i])
  end
  return table.concat(parts, " AND ")
end

local function is_unique(t, columns)
  local keys = table.move(t.uniques, 1, #t.uniques, 1, {})
  keys[#keys + 1] = t.primary
  for _, key in ipairs(keys) do
    local all = true
    for _, name in ipairs(key) do
      local has = false
      for _, own in ipairs(columns) do has = has or own == name end
      all = all and has
    end
    if all then return true end
  end
  return false
end

local function is_firm(t, columns)
  for _, column in ipairs(t.columns) do
    for _, name in ipairs(columns) do
      if column.name == name and not column.not_null then return false end
    end
  end
  return true
end

--- A table that no key connects with this one.
local function away_from(world)
  local able = {}
  for _, ref in ipairs(world.others) do
    if world.lexicon.tables[ref].kind == "table" then able[#able + 1] = ref end
  end
  return able[1] and world.style:table(world.draw:pick(able))
end

--- How many keys lead from one table to the other.
local function alike(edges, edge)
  local n = 0
  for _, other in ipairs(edges) do
    if other.from == edge.from and other.to == edge.to then n = n + 1 end
  end
  return n
end

local function outward(world, edge)
  local A, B = world.style:table(edge.from), world.style:table(edge.to)
  local via = list(edge.columns)
  local noun, other = world.lexicon.nouns[edge.from], world.lexicon.nouns[edge.to]
  local t = world.lexicon.tables[edge.from]
  local away = away_from(world)
  local only = alike(world.out, edge) == 1
  local self = edge.from == edge.to
  local through = only and "" or (" through %s"):format(via)
  world.add {
    { question = ("How is %s related to %s%s?"):format(A, B, through),
      answer = self and ("%s refers to itself: %s references %s."):format(A, via, list(edge.referred_columns))
      or ("%s in %s references %s in %s."):format(via, A, list(edge.referred_columns), B) },
    { question = ("On what do I join %s to %s%s?"):format(A, B, through),
      answer = ("On `%s`."):format(condition(edge, world)) },
    not self and { question = ("Which foreign key does %s have to %s%s?"):format(A, B, through),
      answer = ("It has a foreign key to %s on %s."):format(B, via),
        wrong = away and ("%s has a foreign key to %s."):format(A, away) or nil } or nil,
  }
  if self then
    world.add { { question = ("Does %s refer to itself?"):format(A),
      answer = ("Yes, %s references %s of the same table."):format(via, list(edge.referred_columns)) } }
    return
  end
  local one = is_unique(t, edge.columns)
  local firm, free = ("Yes, %s of %s cannot be null."):format(via, A), ("No, %s of %s may be null."):format(via, A)
  if only then
    world.add {
      { question = ("Does %s have a foreign key to %s?"):format(A, B), answer = ("Yes, through %s."):format(via),
        wrong = "No." },
      { question = ("Which %s %s to %s?"):format(#edge.columns == 1 and "column links" or "columns link", A, B),
        answer = via .. "." },
    }
    world.add {
      { question = ("Is the relation between %s and %s one-to-many?"):format(B, A),
        answer = one and ("No, it is one-to-one at most: %s must be unique."):format(via)
          or ("Yes: %s may hold the same value in many rows."):format(via) },
      { question = ("Must each %s have %s?"):format(noun, words.a(other)),
        answer = is_firm(t, edge.columns) and firm or free,
        wrong = #edge.columns == 1 and (is_firm(t, edge.columns) and free or firm) or nil },
    }
  end
end

local function inward(world, edge)
  local A, B = world.style:table(edge.from), world.style:table(edge.to)
  local via = list(edge.columns)
  local only = alike(world.into, edge) == 1
  local through = only and "" or (" through %s"):format(via)
  world.add {
    { question = ("How does %s refer to %s%s?"):format(A, B, through),
      answer = ("Through its foreign key %s."):format(via) },
    { question = ("What in %s points to %s%s?"):format(A, B, through),
      answer = ("%s of %s references %s."):format(style.capital(via), A, B),
      wrong = ("%s references %s."):format(B, A) },
  }
end

local function counts(world)
  local t, T = world.t, world.style:table(world.t.reference)
  if t.kind == "view" or t.kind == "materialised view" then return end
  local targets, sources = {}, {}
  local seen_to, seen_from = {}, {}
  for _, edge in ipairs(world.out) do
    if not seen_to[edge.to] then seen_to[edge.to], targets[#targets + 1] = true, world.style:table(edge.to) end
  end
  for _, edge in ipairs(world.into) do
    if not seen_from[edge.from] then
      seen_from[edge.from], sources[#sources + 1] = true, world.style:table(edge.from)
    end
  end
  local n = #t.foreign
  world.add {
    { question = ("How many foreign keys does %s have?"):format(T),
      answer = ("%s has %s."):format(T, style.counted(n, "foreign key")),
      wrong = ("%s has %s."):format(T, style.counted(n + 1, "foreign key")) },
    #targets == n and { question = ("Which tables does %s refer to?"):format(T),
      answer = n == 0 and ("None: %s has no foreign keys."):format(T)
        or ("%s references %s."):format(T, words.all(targets)),
      wrong = n > 0 and ("%s has no foreign keys."):format(T) or nil } or nil,
  }
  local away = away_from(world)
  world.add {
    { question = ("Which tables refer to %s?"):format(T),
      answer = #sources == 0 and ("No other table references %s."):format(T)
      or ("%s is referenced by %s."):format(T, words.all(sources)),
      wrong = away and ("%s is referenced by %s."):format(T, away)
        or #sources > 0 and ("No other table references %s."):format(T) or nil },
    { question = ("How many other tables have a foreign key to %s?"):format(T), answer = #sources == 0 and "None."
      or ("%d: %s."):format(#sources, words.all(sources)) },
  }
end

local function strangers(world)
  local T = world.style:table(world.t.reference)
  for i, other in ipairs(world.draw:shuffled(world.others)) do
    if i > 3 then break end
    world.add { { question = ("Is there a foreign key from %s to %s?"):format(T, world.style:table(other)),
      answer = ("No, %s has no foreign key to %s."):format(T, world.style:table(other)), wrong = "Yes." } }
  end
end

--- Foreign keys into a table of which each is asked for.
local MOST = 40

--- Adds what there is to say of foreign keys.
---@param world nlsql.DocWorld
function relations.add(world)
  for _, edge in ipairs(world.out) do outward(world, edge) end
  for i, edge in ipairs(world.into) do
    if i > MOST then break end
    inward(world, edge)
  end
  counts(world)
  strangers(world)
end

return relations
