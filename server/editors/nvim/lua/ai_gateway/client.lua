--- The one server of this Neovim: started with what this version has, told of buffers, and asked.
---
--- Neovim 0.11 and later are given a configuration that they start by themselves (`vim.lsp.config`, `vim.lsp.enable`);
--- 0.7 to 0.10 have `vim.lsp.start_client`.
local page = require("ai_gateway.page")

local M = {
  name = "ai_gateway",
  --- What the server said last of the tiers: the parameters of `ai/status`.
  status = nil,
  --- What its progress says last, by token: who answers an action, and for how long.
  working = {},
  --- Those who are told of partial results, by token.
  listeners = {},
}

local enables = vim.fn.has("nvim-0.11") == 1
local config, id
local waiting = {}

--- Call a method of Neovim's client, which was a function without `self` before 0.11.
local function call(client, method, ...)
  if enables then
    return client[method](client, ...)
  end
  return client[method](...)
end

--- Null comes as `vim.NIL` in some versions and as nothing in others: here it is nothing.
local function without_null(value)
  if value == vim.NIL then
    return nil
  end
  for key, part in pairs(type(value) == "table" and value or {}) do
    value[key] = without_null(part)
  end
  return value
end

--- The client, if its server is ready to be asked.
function M.running()
  for _, client in ipairs((vim.lsp.get_clients or vim.lsp.get_active_clients)()) do
    if client.name == M.name and client.initialized then
      return client
    end
  end
end

local handlers = {}

--- Partial results are ours; Neovim's own handler takes any other progress, and would trip over those.
handlers["$/progress"] = function(err, params, context, ...)
  local listen = M.listeners[params.token]
  if listen then
    listen(params.value)
    return
  end
  M.working[params.token] = params.value.kind ~= "end" and (params.value.message or "") or nil
  vim.cmd("redrawstatus!")
  vim.lsp.handlers["$/progress"](err, params, context, ...)
end

handlers["ai/status"] = function(_, params)
  M.status = without_null(params)
  vim.api.nvim_exec_autocmds("User", { pattern = "AiGatewayStatus", modeline = false })
  vim.cmd("redrawstatus!")
end

--- Answers to read open beside the code, not in its place. Neovim 0.7 can't show documents itself.
handlers["window/showDocument"] = function(err, params, context, ...)
  local theirs = vim.lsp.handlers["window/showDocument"]
  if params.external then
    return theirs and theirs(err, params, context, ...) or { success = false }
  end
  page.show_file(vim.uri_to_fname(params.uri), params.selection)
  return { success = true }
end

--- The person is asked for a text. A dialog of a plugin may answer later: from 0.9 on, a handler can wait for it.
handlers["ai/editor/input"] = function(_, params)
  local options = { prompt = params.title .. ": " }
  local routine, is_main = coroutine.running()
  if not routine or is_main then
    local text = vim.fn.input(options.prompt)
    return { text = text ~= "" and text or vim.NIL }
  end
  vim.ui.input(options, function(text)
    vim.schedule(function()
      coroutine.resume(routine, { text = text or vim.NIL })
    end)
  end)
  return coroutine.yield()
end

local function capabilities()
  local ours = vim.lsp.protocol.make_client_capabilities()
  ours.window.showDocument = { support = true }
  ours.workspace.configuration = true
  ours.workspace.workspaceEdit.documentChanges = true -- 0.7 can, and does not say so
  ours.experimental = { aiGateway = { input = true } }
  return ours
end

--- The folder that a buffer belongs to: the next one above with a `.git`.
local function root_of(bufnr)
  local folder = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ":p:h")
  for _, find in ipairs({ vim.fn.finddir, vim.fn.findfile }) do
    local found = find(".git", vim.fn.escape(folder, " ,") .. ";")
    if found ~= "" then
      return (vim.fn.fnamemodify(found, ":p"):gsub("/%.git/?$", ""))
    end
  end
end

--- One server serves all projects of this Neovim: it is told of the folder of each.
local function add_folder(client, bufnr)
  local root = root_of(bufnr)
  if not root then
    return
  end
  local folder = { uri = vim.uri_from_fname(root), name = root }
  client.workspace_folders = client.workspace_folders or {}
  for _, known in ipairs(client.workspace_folders) do
    if known.uri == folder.uri then
      return
    end
  end
  table.insert(client.workspace_folders, folder)
  call(client, "notify", "workspace/didChangeWorkspaceFolders", { event = { added = { folder }, removed = {} } })
end

local function on_init(client)
  vim.schedule(function() -- it has its buffers then
    local ready = waiting
    waiting = {}
    for _, ask in ipairs(ready) do
      ask.use(client)
    end
  end)
end

local function on_exit()
  id = nil
  M.status = nil
  M.working = {}
  local lost = waiting
  waiting = {}
  for _, listen in pairs(M.listeners) do
    table.insert(lost, { fail = function() listen({ kind = "exit" }) end })
  end
  vim.schedule(function()
    for _, ask in ipairs(lost) do
      ask.fail()
    end
  end)
end

local function is_ours(client)
  return client.name == M.name
end

--- Start the server without a buffer, unless it runs.
local function start()
  if enables then
    local started = vim.lsp.config[M.name]
    return vim.lsp.start(started, { attach = false, reuse_client = is_ours })
  end
  id = id or vim.lsp.start_client(config)
  return id
end

local function attach(bufnr)
  if vim.bo[bufnr].buftype == "" and vim.api.nvim_buf_get_name(bufnr) ~= "" and start() then
    vim.lsp.buf_attach_client(bufnr, id)
  end
end

--- Set up the server for every file that is opened.
function M.setup(options)
  config = {
    name = M.name,
    cmd = options.cmd,
    init_options = vim.tbl_isempty(options.settings) and vim.empty_dict() or options.settings,
    capabilities = capabilities(),
    handlers = handlers,
    filetypes = options.filetypes,
    flags = { debounce_text_changes = 0 }, -- no edit may come for lines that the server does not know to have changed
    on_init = on_init,
    on_exit = on_exit,
    on_attach = function(client, bufnr)
      add_folder(client, bufnr)
      if options.on_attach then
        options.on_attach(client, bufnr)
      end
    end,
  }
  if enables then
    config.reuse_client = is_ours
    config.root_markers = { ".git" }
    vim.lsp.config(M.name, config)
    vim.lsp.enable(M.name)
    return
  end
  config.root_dir = root_of(0)
  vim.api.nvim_create_autocmd("FileType", {
    group = vim.api.nvim_create_augroup("ai_gateway", {}),
    pattern = options.filetypes or "*",
    callback = function(event)
      attach(event.buf)
    end,
  })
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    local is_wanted = not options.filetypes or vim.tbl_contains(options.filetypes, vim.bo[bufnr].filetype)
    if vim.api.nvim_buf_is_loaded(bufnr) and is_wanted then
      attach(bufnr)
    end
  end
end

--- Do something with the client as soon as its server can be asked, which is started if it does not run; or fail.
function M.when_ready(use, fail)
  local client = M.running()
  if client then
    use(client)
    return
  end
  table.insert(waiting, { use = use, fail = fail })
  if not start() then
    waiting = {}
    fail()
  end
end

--- Ask the server. `done(err, result)` is not called after a cancel. Gives a function that cancels.
function M.request(method, params, done)
  local is_cancelled, cancel = false, nil
  M.when_ready(function(client)
    if is_cancelled then
      return
    end
    local _, request_id = call(client, "request", method, params, function(err, result)
      done(without_null(err), without_null(result))
    end)
    cancel = function()
      call(client, "cancel_request", request_id)
    end
  end, function()
    done({ message = "the server could not be started, or has ended", data = { hint = ":checkhealth ai_gateway" } })
  end)
  return function()
    is_cancelled = true
    if cancel then
      cancel()
    end
  end
end

--- Run one of the server's commands, such as `aiGateway.signIn`.
function M.execute(command, arguments)
  M.request("workspace/executeCommand", { command = command, arguments = arguments }, function(err)
    if err then
      M.complain(err)
    end
  end)
end

--- The program that the server is; nil before `setup`.
function M.command()
  return config and config.cmd[1]
end

--- The commands that the server has.
function M.commands()
  local client = M.running()
  local provider = client and client.server_capabilities.executeCommandProvider
  return provider and provider.commands or {}
end

--- What an error says, and what to do about it.
function M.words(err)
  local hint = err.data and err.data.hint
  return hint and hint ~= "" and err.message .. "\n" .. hint or err.message
end

--- Tell the person of an error.
function M.complain(err)
  vim.notify("AI Gateway: " .. M.words(err), vim.log.levels.ERROR)
end

return M
