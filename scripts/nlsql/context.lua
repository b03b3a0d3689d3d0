--- context: what the hooks of a phase get as `ctx`.

local briefing = require "nlsql.briefing"
local chatlog = require "nlsql.chatlog"
local console = require "nlsql.console"
local files = require "nlsql.files"
local guard = require "nlsql.guard"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local prompt = require "nlsql.prompt"
local providers = require "nlsql.providers"
local sample = require "nlsql.sample"

local context = {}

---@class nlsql.Context
---@field phase string          its name
---@field opt table             the phase's options, checked
---@field settings table        the run's settings
---@field schema nlsql.Catalog  what introspection saw
---@field db nlsql.Db           the connection pool
---@field llm nlsql.Llm         the model
---@field anon nlsql.Anon        values as others may see them
---@field counts table          counters of the run
---@field chatlog nlsql.Chatlog
---@field keep_rows boolean?       do rows of the dataset hold those of the answer?
---@field templates table<string, nlsql.Template>
---@field on_template fun(template: nlsql.Template)?  hears of each template when it is first rendered
---@field rendered table<string, string[]>
local Context = {}
Context.__index = Context

--- What needs no model: the gates' part of a context.
---@param fields { schema: nlsql.Catalog, settings: table, db: nlsql.Db, anon: nlsql.Anon }
---@return nlsql.Context
function context.without_model(fields)
  fields.exempt_tables = {}
  return setmetatable(fields, Context)
end

---@return nlsql.Context
function context.new(fields)
  fields.templates = {}
  fields.rendered, fields.n_rendered = {}, 0
  fields.chatlog = chatlog.new(fields)
  fields.llm.chatlog, fields.llm.anon, fields.llm.phase = fields.chatlog, fields.anon, fields.phase
  fields.shown = {} -- the tables that a rendered schema shows, by its text
  return context.without_model(fields)
end

--- Texts that are kept for the next who asks: many more than items under way have sets of tables.
local RENDERED = 500

--- Keeps a text under `key`, and forgets all others where there are too many.
local function keep(self, key, text)
  if self.n_rendered >= RENDERED then
    self.rendered, self.shown, self.n_rendered = {}, {}, 0
    self.chatlog:forget_schemas()
  end
  self.rendered[key], self.n_rendered = text, self.n_rendered + 1
  return text
end

--- The tables that a schema of ctx:schema_json shows; nil: all, or it is none.
local function tables_shown(self, text)
  if not text then return nil end
  local refs = self.shown[text]
  if refs ~= nil then return refs or nil end
  local decoded = json.decode(text) -- rendered so long ago that it was forgotten
  if type(decoded) ~= "table" or type(decoded.tables) ~= "table" then return nil end
  local list = {}
  for name in pairs(decoded.tables) do list[#list + 1] = self.schema:find(name) end
  table.sort(list)
  return #list < #self.schema:names() and list or nil
end

--- What the configuration has every prompt say besides.
---@return nlsql.Briefing
function Context:briefing()
  if not self.brief then
    local brief, complaints = briefing.open(self.schema, self.settings)
    if not brief then error(table.concat(complaints, "\n"), 0) end
    self.brief = brief
    local told = { notes = self.settings.notes, examples = self.settings.examples }
    guard.exempt(self, "configuration", assert(json.encode(told)))
  end
  return self.brief
end

--- The messages that template `prompts/NAME.txt` gives with these values. Every template is given
--- `notes`, `examples` and `language` as well: those that go with the tables of `values.schema_json`,
--- where that is of ctx:schema_json, else those of all tables; false where there are none.
--- nil and a sentence naming file and line where it cannot be rendered.
---@param name string
---@param values table<string, string|number|boolean>
---@return nlsql.Message[]?
---@return string? message
---@return nlsql.Code? code
function Context:render(name, values)
  local template = self.templates[name]
  if not template then
    local why
    template, why = prompt.load(name)
    if not template then return nil, why end
    self.templates[name] = template
    guard.exempt(self, "template " .. name, template.source or "")
    if self.on_template then self.on_template(template) end
  end
  return template:render(self:briefing():fill(values, tables_shown(self, values.schema_json)))
end

--- What the schema says of these tables (nil: all) is no secret; each is rendered for that once.
local function exempt_schema(self, refs)
  if not self.anon or self.anon:raw() then return end
  for _, ref in ipairs(refs or self.schema:names()) do
    local alone = not self.exempt_tables[ref] and self.schema:render { format = "json", tables = { ref } }
    if alone then guard.exempt(self, "table " .. ref, alone) end
    self.exempt_tables[ref] = true
  end
end

--- Takes for no secret what any prompt may say, before the first item begins: what is protected must not hang on
--- which item was faster.
function Context:exempt_all()
  if self.anon:raw() then return end
  exempt_schema(self)
  for _, file in ipairs(files.list("prompts")) do
    local path = file:find("%.txt$") and files.find("prompts", file)
    local source = path and files.read(path)
    if source then guard.exempt(self, "template " .. file:gsub("%.txt$", ""), source) end
  end
  pcall(self.briefing, self) -- what is wrong with it is said when it is needed
end

--- The schema of the given tables (nil: all) as JSON, cut to `max_tokens`, and a sentence about
--- what was cut, or nil.
---@param refs string[]?
---@param max_tokens integer?
---@return string json, string? cut
function Context:schema_json(refs, max_tokens)
  local key = (refs and table.concat(refs, "+") or "") .. "#" .. (max_tokens or 0)
  local known = self.rendered[key]
  if not known then
    local json_text, cut = self.schema:render {
      format = "json", tables = refs, max_tokens = max_tokens or self.settings.schema_tokens,
    }
    if not json_text then error(cut, 0) end
    known = keep(self, key, { json_text, cut })
    self.chatlog:note_schema(json_text, refs or self.schema:names())
    exempt_schema(self, refs)
    self.shown[json_text] = refs or false
  end
  return known[1], known[2]
end

--- A few rows of each table for a prompt, with stand-ins for what is private; nil where there are none.
---@param refs string[]
---@param n integer?  of each table; nil: as the phase's n_rows says
---@return string?
function Context:sample(refs, n)
  if not providers.of(self.settings).reads_prompts then return nil end -- nobody reads them
  n = n or self.opt.n_rows or 2
  local key = ("%s#%d rows"):format(table.concat(refs, "+"), n)
  local known = self.rendered[key]
  if not known then known = keep(self, key, { sample.text(self, refs, n) }) end
  return known[1]
end

--- Adds a line to logs/NAME-DATE.jsonl: `row` as JSON, with the time.
---@param name string
---@param row table
function Context:journal(name, row) self.chatlog:add(("%s-%s.jsonl"):format(name, os.date("!%Y-%m-%d")), row) end

--- The names of all functions of pg_catalog, with spaces between them.
---@return string?
---@return string? message
---@return nlsql.Code? code
function Context:function_names()
  local result, message, code = self.db:query("SELECT string_agg(DISTINCT proname, ' ') FROM pg_catalog.pg_proc "
    .. "WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND prokind <> 'p'", nil, { max_field = 1 << 20 })
  if not result then return nil, message, code end
  return result.rows[1][1]
end

--- Counts a candidate that failed a gate as it came, before any repair.
---@param gate string
function Context:count_fault(gate) self.counts.faults[gate] = (self.counts.faults[gate] or 0) + 1 end

--- Runs `f` for each value, at most `n` at once: see jobs.map.
function Context.map(_, list, n, f) return jobs.map(list, n, f) end

--- Items of which a run says why they came to nothing.
local MOST_TOLD = 1000

--- A warning about an item; after so many of them it says once that the others are counted alone.
---@param message string
function Context:tell(message)
  local counts = self.counts
  counts.told = (counts.told or 0) + 1
  if counts.told <= MOST_TOLD then return console.warn(message) end
  if counts.told > MOST_TOLD + 1 then return end
  console.warn(("%d items came to nothing so far: those that follow are counted, and not told of"):format(MOST_TOLD))
end

--- A line in the log.
function Context.log(_, message) console.info(message) end

return context
