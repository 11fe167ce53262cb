--- AI Gateway in Neovim: a language server that always gets an answer, and the commands to ask it.
---
---     require("ai_gateway").setup({})
local answer = require("ai_gateway.answer")
local client = require("ai_gateway.client")
local page = require("ai_gateway.page")

local M = {}

local DEFAULTS = {
  --- How the server is started.
  cmd = { "ai-gateway", "--stdio" },
  --- The person's settings, as in its configuration file; for example `{ privacy = { mask_secrets = true } }`.
  settings = {},
  --- Only these; without it, every file.
  filetypes = nil,
  --- How a window for answers is opened.
  split = "botright split",
  --- Called with the client and the buffer, as Neovim's own `on_attach`.
  on_attach = nil,
}

local function lines_of(first, last)
  return table.concat(vim.api.nvim_buf_get_lines(0, first - 1, last, false), "\n")
end

--- What a question is about, as `context[]` of `ai/query` has it.
local function excerpt(first, last)
  local name = vim.api.nvim_buf_get_name(0)
  local has_file = name ~= "" and vim.bo.buftype == ""
  return {
    text = lines_of(first, last),
    path = has_file and vim.fn.fnamemodify(name, ":.") or nil,
    uri = has_file and vim.uri_from_bufnr(0) or nil,
    language_id = vim.bo.filetype ~= "" and vim.bo.filetype or nil,
  }
end

--- Ask a question, and watch the answer come.
---
--- `options.first` and `options.last` are the lines that it is about; `options.private` keeps it on this machine.
function M.ask(question, options)
  options = options or {}
  local context = options.first and { excerpt(options.first, options.last or options.first) } or nil
  local function ask(text)
    if text and vim.trim(text) ~= "" then
      answer.ask(text, { prompt = text, context = context, private = options.private or false })
    end
  end
  if question and question ~= "" then
    ask(question)
  else
    vim.ui.input({ prompt = "Ask: " }, ask)
  end
end

--- Stop every answer, and whatever else the server does for this editor.
function M.stop()
  answer.stop()
  if vim.tbl_contains(client.commands(), "aiGateway.stop") then
    client.execute("aiGateway.stop")
  end
end

local function ask_server(method, params, show)
  client.request(method, params, function(err, result)
    if err then
      client.complain(err)
    else
      show(result)
    end
  end)
end

local function now(provider)
  if provider.reason then
    return provider.reason
  end
  if provider.reachable == false then
    return "can't be reached"
  end
  return provider.state == "closed" and "ready" or provider.state
end

local function health_page(health)
  local lines = { "# AI Gateway: " .. health.status, "" }
  for _, provider in ipairs(health.providers) do
    local model = provider.model and " (" .. provider.model .. ")" or ""
    table.insert(lines, ("- **%s** %s%s: %s"):format(provider.backend, provider.name, model, now(provider)))
    if provider.hint then
      table.insert(lines, "  - " .. provider.hint)
    end
  end
  for _, problem in ipairs(health.problems) do
    table.insert(lines, "- " .. problem)
  end
  return table.concat(lines, "\n")
end

local function fill_health(bufnr)
  client.request("ai/health", { probe = true }, function(err, health)
    if err then
      page.set(bufnr, 0, client.words(err))
    elseif health.status == "starting" then
      local function again()
        fill_health(bufnr)
      end
      vim.api.nvim_create_autocmd("User", { pattern = "AiGatewayStatus", once = true, callback = again })
    else
      page.set(bufnr, 0, health_page(health))
    end
  end)
end

--- See which tiers can be reached now. That takes a moment if one is out, which its page says.
function M.health()
  fill_health(page.show("health", "looking …"))
end

--- Close the circuit breaker of a provider, or all; `options.cache` forgets the answers that were kept, too.
function M.reset(provider, options)
  local params = { provider = provider ~= "" and provider or nil, cache = options and options.cache or false }
  ask_server("ai/reset", params, function(result)
    local names = table.concat(result.reset, ", ")
    vim.notify("AI Gateway: reset " .. (names ~= "" and names or "nothing"))
  end)
end

--- See why an answer, the last one if none is named, came from where it came from.
function M.explain(query_id)
  local id = query_id and query_id ~= "" and query_id or answer.last_query_id
  ask_server("ai/explain", { query_id = id }, function(result)
    page.show("explained", result.page)
  end)
end

local function show_actions(first, last)
  if not first then
    vim.lsp.buf.code_action()
    return
  end
  local from, to = { first, 0 }, { last, math.max(#vim.fn.getline(last) - 1, 0) }
  if vim.fn.has("nvim-0.8") == 1 then
    vim.lsp.buf.code_action({ range = { start = from, ["end"] = to } })
  else
    vim.lsp.buf.range_code_action(nil, from, to)
  end
end

--- Choose from the code actions for some lines, or for what is around the cursor.
function M.actions(first, last)
  client.when_ready(function()
    show_actions(first, last)
  end, function()
    vim.cmd("checkhealth ai_gateway")
  end)
end

--- For the statusline: who would answer now, and `…` while somebody does; of an action, who it is and for how long.
function M.statusline()
  if not client.status then
    return ""
  end
  local who = "nobody"
  for _, provider in ipairs(client.status.providers) do
    if provider.state ~= "open" and not provider.reason then
      who = provider.name
      break
    end
  end
  local sign = client.status.status == "ok" and "" or "!"
  local _, work = next(client.working)
  if work then
    return "AI " .. who .. sign .. " … " .. work
  end
  return "AI " .. who .. sign .. (answer.running() > 0 and " …" or "")
end

--- What the server said last of the tiers, as in `ai/status`; nil before it has.
function M.status()
  return client.status
end

local function starting_with(start, words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, start)
  end, words)
end

local function provider_names(start)
  local names = vim.tbl_map(function(provider)
    return provider.name
  end, client.status and client.status.providers or {})
  return starting_with(start, names)
end

local function command_names(start)
  local names = vim.tbl_map(function(command)
    return (command:gsub("^aiGateway%.", ""))
  end, client.commands())
  return starting_with(start, names)
end

local function add_commands()
  local function add(name, run, options)
    vim.api.nvim_create_user_command(name, run, options)
  end
  add("AiAsk", function(given)
    local first, last = given.line1, given.line2
    if given.range == 0 then
      first, last = nil, nil
    end
    M.ask(given.args, { first = first, last = last, private = given.bang })
  end, { nargs = "*", range = true, bang = true, desc = "Ask; with a range, about these lines; with !, local tiers only" })
  add("AiActions", function(given)
    local has_range = given.range > 0
    M.actions(has_range and given.line1 or nil, has_range and given.line2 or nil)
  end, { range = true, desc = "Choose from the code actions here" })
  add("AiStop", M.stop, { desc = "Stop every answer" })
  add("AiHealth", M.health, { desc = "See which tiers can be reached now" })
  add("AiReset", function(given)
    M.reset(given.args, { cache = given.bang })
  end, { nargs = "?", bang = true, complete = provider_names, desc = "Close circuit breakers; with !, forget answers too" })
  add("AiExplain", function(given)
    M.explain(given.args)
  end, { nargs = "?", desc = "See why the last answer came from where it came from" })
  add("Ai", function(given)
    client.execute("aiGateway." .. given.args)
  end, { nargs = 1, complete = command_names, desc = "Run any command of the server" })
end

--- Start the server with every file, and make the commands.
function M.setup(options)
  local chosen = vim.tbl_extend("force", DEFAULTS, options or {})
  page.split = chosen.split
  client.setup(chosen)
  add_commands()
end

return M
