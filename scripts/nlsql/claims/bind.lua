--- bind: one thing, one token: "the column `c` of the table `t`" is a column that knows its table, "a, b and
--- c" a token with three columns.

local pieces = require "nlsql.claims.pieces"
local words = require "nlsql.grammar.words"

local bind_names = {}

local TABLE_CUES, COLUMN_CUES = pieces.TABLE_CUES, pieces.COLUMN_CUES

local ARTICLES = words.set("the a an this that its their each every any single given")
local IN = words.set("of in on from within inside for")

local function drop_article(out)
  local last = out[#out]
  if last and last.kind == "word" and ARTICLES[last.lower] and not last.columns and not last.refs then
    out[#out] = nil
  end
end

--- "the column X", "X column", "the X table": the cue words go, the token remembers them.
local function absorb_cues(self, list)
  local out, at = {}, 1
  while at <= #list do
    local t = list[at]
    local hard = t.columns or t.refs and not t.noun
    local before = out[#out]
    if hard and before and before.kind == "word" and not before.columns and not before.refs then
      if (before.lower == "named" or before.lower == "called") and out[#out - 1]
          and (COLUMN_CUES[out[#out - 1].lower] or TABLE_CUES[out[#out - 1].lower]) then
        out[#out] = nil
        before = out[#out]
      end
      local of_columns = t.columns and COLUMN_CUES[before.lower]
      local of_tables = t.refs and (before.lower == "table" or before.lower == "view" or before.lower == "tables")
      if of_columns or of_tables then
        t.cue_before = before.lower
        out[#out] = nil
        if of_columns and t.refs then t.refs = nil end
        if of_tables and t.columns then t.columns = nil end
      end
    end
    local behind = list[at + 1]
    if hard and behind and behind.kind == "word" and not behind.columns and not behind.refs then
      if t.columns and COLUMN_CUES[behind.lower] and not (t.refs and behind.lower:find("s$")) then
        t.cue, at = behind.lower, at + 1
        if t.refs and #t.columns > 0 then t.refs = nil end
      elseif t.refs and TABLE_CUES[behind.lower] then
        t.cue, at = behind.lower, at + 1
        if t.columns then t.columns = nil end
      elseif t.refs and not t.columns and t.marked and behind.lower == "column" then
        self:fault(("there is no column %s%s"):format(t.text, self.names:nearest(t.text, self.scope, "column")))
      elseif t.refs and (behind.lower == "materialized" or behind.lower == "materialised") and list[at + 2]
          and list[at + 2].lower == "view" then
        t.cue, at = "materialised view", at + 2
      end
    end
    if hard or t.noun then drop_article(out) end
    out[#out + 1] = t
    at = at + 1
  end
  return out
end

--- Binds the columns of `t` to the tables of `owner`; a fault where a marked one is not there.
local function bind(self, t, owner, denied)
  local loose = not t.marked or owner.noun
  for _, named in ipairs(t.columns) do
    local at, name = {}, nil
    for _, ref in ipairs(owner.refs) do
      local own = self.names:column(ref, named.name)
      if own then at[#at + 1], name = { ref = ref, name = own }, own end
    end
    if name then
      named.name, named.at, named.qualified = name, at, true
    elseif not loose and not named.qualified then
      if not denied then
        local ref = owner.refs[1]
        self:fault(("%s has no column %s%s"):format(ref, named.name, self.names:nearest(named.name, { ref }, "column")))
      end
      named.missing = owner.refs[1]
    end
  end
end

local function merge(into, more)
  for _, one in ipairs(more.columns) do into.columns[#into.columns + 1] = one end
  into.marked = into.marked and more.marked
  into.cue = into.cue or more.cue
end

local function is_object(out)
  local before = out[#out - 1]
  if before and ARTICLES[before.lower] then before = out[#out - 2] end
  return before and (before.symbol == "REF" or before.symbol == "REFBY" or before.lower == "->" or before.lower == "="
    or before.symbol == "LINKED")
end

local JOINERS = words.set(", and or & / +")

--- A name of a table and of a column is that of a column beside columns.
local function tell_apart(list)
  for at, t in ipairs(list) do
    if t.columns and t.refs then
      for _, step in ipairs { -1, 1 } do
        local joiner, other = list[at + step], list[at + 2 * step]
        if joiner and JOINERS[joiner.lower] and other and (other.columns and not other.refs) then t.refs = nil end
      end
    end
  end
end

--- "a, b and c" is one token with three columns.
local function merge_lists(list)
  tell_apart(list)
  local out, at = {}, 1
  while at <= #list do
    local t = list[at]
    out[#out + 1] = t
    at = at + 1
    if t.columns and not t.refs and not is_object(out) then
      local own = {}
      for i, one in ipairs(t.columns) do own[i] = one end
      t.columns = own
      while list[at] and JOINERS[list[at].lower] and not list[at].columns do
        local to = at + 1
        if list[to] and JOINERS[list[to].lower] then to = to + 1 end
        local more = list[to]
        if not (more and more.columns and not more.refs) then break end
        merge(t, more)
        at = to + 1
      end
    end
  end
  return out
end

local function is_denied(list)
  for _, t in ipairs(list) do
    if t.lower == "not" or t.lower == "no" or t.lower == "without" or t.lower == "never" or t.lower == "neither"
        or t.lower == "nor"
        or t.lower == "lacks" then
      return true
    end
  end
  return false
end

--- "T's C", "C of T", "T (C)": the column knows its table.
local function absorb_owners(self, list, denied)
  local out, at = {}, 1
  while at <= #list do
    local t = list[at]
    local before, owner = out[#out], out[#out - 1]
    if t.columns and before and before.lower == "'s" and owner and owner.refs and not owner.columns then
      bind(self, t, owner, denied)
      out[#out], out[#out - 1] = nil, nil
    elseif t.columns and before and before.lower == "(" and owner and owner.refs and not owner.columns
        and not owner.noun
        and list[at + 1] and list[at + 1].lower == ")" then
      bind(self, t, owner, denied)
      out[#out], out[#out - 1] = nil, nil
      at = at + 1
    end
    local joiner, of = list[at + 1], list[at + 2]
    if of and ARTICLES[of.lower] and not of.refs then of = list[at + 3] end
    if t.columns and joiner and IN[joiner.lower] and of and of.refs and not of.columns then
      local place = list[at + 2] == of and at + 2 or at + 3
      local further = list[place + 1]
      local several = further and JOINERS[further.lower] and list[place + 2] and list[place + 2].refs
      if not several and not (of.noun and further and further.kind == "word" and not TABLE_CUES[further.lower]
          and further.lower == "'s") then
        bind(self, t, of, denied)
        at = place
      end
    end
    out[#out + 1] = t
    at = at + 1
  end
  return out
end

--- "the column X", "X column": one token each; columns know the tables that are named with them.
function bind_names.cues_and_owners(reading, list)
  return absorb_owners(reading, absorb_cues(reading, list), is_denied(list))
end

--- Lists, and the owners of lists.
function bind_names.lists(reading, list)
  return absorb_owners(reading, merge_lists(list), is_denied(list))
end

bind_names.ARTICLES, bind_names.JOINERS = ARTICLES, JOINERS

return bind_names
