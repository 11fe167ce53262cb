vim9script
# The server: a job that speaks LSP by Vim's own channels.

import autoload './documents.vim'
import autoload './page.vim'

const SHUTDOWN_MS = 2000
const CAPABILITIES = {
  general: {positionEncodings: ['utf-8']},
  workspace: {
    applyEdit: true,
    workspaceEdit: {documentChanges: true, resourceOperations: ['create']},
    workspaceFolders: true,
  },
  textDocument: {codeAction: {disabledSupport: true, codeActionLiteralSupport: {codeActionKind: {valueSet: []}}}},
  window: {workDoneProgress: true, showDocument: {support: true}},
  experimental: {aiGateway: {input: true}},
}

var job: job
var channel: channel
var is_ready = false
var commands: list<string> = []
var status: dict<any> = {}
var working: dict<bool> = {}
# What to do as soon as the server can be asked, and what if it never can: Use and Fail.
var waiting: list<dict<func>> = []
# Those who are told of partial results, by token.
var listeners: dict<func> = {}

# Start the server unless it runs; gives what is in the way, or nothing.
def Start(): dict<any>
  if job_status(job) == 'run'
    return {}
  endif
  if !executable(g:ai_gateway_command[0])
    const hint = 'install the gateway, or name it in g:ai_gateway_command if it is elsewhere'
    return {message: g:ai_gateway_command[0] .. ' is not to be found', data: {hint: hint}}
  endif
  job = job_start(g:ai_gateway_command, {
    in_mode: 'lsp', out_mode: 'lsp', err_io: 'null', out_cb: Take, exit_cb: (_, _) => Ended(),
  })
  channel = job_getchannel(job)
  const folder = documents.ProjectRoot()
  const params = {
    processId: getpid(),
    clientInfo: {name: 'Vim', version: string(v:versionlong)},
    rootUri: folder == '' ? null : documents.UriOfPath(folder),
    workspaceFolders: folder == '' ? null : [{uri: documents.UriOfPath(folder), name: folder}],
    capabilities: CAPABILITIES,
    initializationOptions: g:ai_gateway_settings,
  }
  try
    ch_sendexpr(channel, {method: 'initialize', params: params}, {callback: (_, reply) => Initialized(reply)})
  catch /^Vim\%((\S\+)\)\=:E/ # it has ended already: Ended() tells
  endtry
  return {}
enddef

def Initialized(reply: dict<any>)
  commands = reply.result.capabilities->get('executeCommandProvider', {})->get('commands', [])
  NotifyServer('initialized', {})
  is_ready = true
  const ready = waiting
  waiting = []
  for ask in ready
    ask.Use()
  endfor
enddef

def FailWaiting(error: dict<any>)
  const lost = waiting
  waiting = []
  for ask in lost
    ask.Fail(error)
  endfor
enddef

def Ended()
  is_ready = false
  status = {}
  working = {}
  FailWaiting({message: 'the server has ended before it could be asked', data: {hint: 'see: ai-gateway doctor'}})
  documents.Forget()
  for Listen in listeners->values()
    Listen({kind: 'exit'})
  endfor
  redrawstatus!
enddef

# Leave in order, so that the server has time to.
export def Leave()
  if is_ready && job_status(job) == 'run'
    ch_evalexpr(channel, {method: 'shutdown'}, {timeout: SHUTDOWN_MS})
    NotifyServer('exit')
  endif
enddef

augroup ai_gateway_server
  autocmd!
  autocmd VimLeavePre * Leave()
augroup END

# Do something as soon as the server can be asked, which is started if it does not run; or fail.
export def WhenReady(Use: func, Fail: func = ShowError)
  if is_ready
    Use()
    return
  endif
  waiting->add({Use: Use, Fail: Fail})
  const obstacle = Start()
  if !obstacle->empty()
    FailWaiting(obstacle)
  endif
enddef

export def NotifyServer(method: string, params: dict<any> = {})
  ch_sendexpr(channel, {method: method, params: params})
enddef

# Ask the server. Done is called with the result, Fail with an error; without it the person is told of that.
# Gives a function that cancels.
export def SendRequest(method: string, params: dict<any>, Done: func, Fail: func = ShowError): func
  var sent: dict<any> = {}
  WhenReady(() => Send({method: method, params: params}, sent, Done, Fail), Fail)
  return () => Cancel(sent)
enddef

def Send(message: dict<any>, sent: dict<any>, Done: func, Fail: func)
  const Receive = (_, reply) => reply->has_key('error') ? Fail(reply.error) : Done(reply->get('result', null))
  sent.id = ch_sendexpr(channel, message, {callback: Receive}).id
enddef

def Cancel(sent: dict<any>)
  if sent->has_key('id')
    NotifyServer('$/cancelRequest', {id: sent.id})
  endif
enddef

export def Execute(command: string, arguments: list<any>)
  SendRequest('workspace/executeCommand', {command: command, arguments: arguments}, (_) => 0)
enddef

export def Listen(token: string, To: func)
  listeners[token] = To
enddef

export def ListenNoMore(token: string)
  if listeners->has_key(token)
    listeners->remove(token)
  endif
enddef

export def Status(): dict<any>
  return status
enddef

export def Commands(): list<string>
  return commands
enddef

export def IsWorking(): bool
  return !working->empty()
enddef

# What an error says, and what to do about it.
export def ErrorText(error: dict<any>): string
  const data = error->get('data', {})
  const hint = type(data) == v:t_dict ? data->get('hint', '') : ''
  return error.message .. (hint == '' ? '' : "\n" .. hint)
enddef

export def ShowError(error: dict<any>)
  echohl ErrorMsg
  for line in ErrorText(error)->split("\n")
    echomsg 'AI Gateway: ' .. line
  endfor
  echohl None
enddef

export def ShowMessage(text: string)
  echomsg text =~ '^AI Gateway' ? text : 'AI Gateway: ' .. text
enddef

def Take(_: channel, message: dict<any>)
  const params = message->get('params', {})
  if message->has_key('id')
    Answer(message.id, message.method, params)
  elseif message.method == '$/progress'
    TakeProgress(params.token, params.value)
  elseif message.method == 'ai/status'
    status = params
    if exists('#User#AiGatewayStatus')
      doautocmd <nomodeline> User AiGatewayStatus
    endif
    redrawstatus!
  elseif message.method == 'window/showMessage'
    ShowMessage(params.message)
  endif
enddef

def TakeProgress(token: any, value: dict<any>)
  if listeners->has_key(string(token)->trim("'"))
    listeners[string(token)->trim("'")](value)
    return
  endif
  if value.kind == 'end'
    working->remove(string(token))
  else
    working[string(token)] = true
  endif
  redrawstatus!
enddef

def Answer(id: any, method: string, params: dict<any>)
  if method == 'workspace/applyEdit'
    const reason = documents.Apply(params.edit)
    Reply(id, reason == '' ? {applied: true} : {applied: false, failureReason: reason})
  elseif method == 'window/showDocument'
    Reply(id, {success: !params->get('external', false) && page.ShowFile(documents.PathOfUri(params.uri))})
  elseif method == 'window/workDoneProgress/create'
    Reply(id, null)
  elseif method == 'window/showMessageRequest'
    const actions = params->get('actions', [])
    const titles = actions->mapnew((_, action) => action.title)
    ShowMenu(params.message, titles, (choice: number) => Reply(id, choice < 0 ? null : actions[choice]))
  elseif method == 'ai/editor/input'
    const text = input(params.title .. ': ')
    Reply(id, {text: text == '' ? null : text})
  elseif method == 'workspace/configuration'
    Reply(id, params.items->mapnew((_, _) => null))
  else
    ReplyRaw({id: id, error: {code: -32601, message: 'Vim does not know ' .. method}})
  endif
enddef

# Show a menu; Chosen gets the place of what the person chose, or -1.
export def ShowMenu(title: string, items: list<string>, Chosen: func)
  popup_menu(items, {title: $' {title} ', callback: (_, choice) => Chosen(choice > 0 ? choice - 1 : -1)})
enddef

def Reply(id: any, result: any)
  ReplyRaw({id: id, result: result})
enddef

# Vim's own ch_sendexpr() refuses ids that are not numbers.
def ReplyRaw(message: dict<any>)
  const body = json_encode(message->extendnew({jsonrpc: '2.0'}))
  ch_sendraw(channel, $"Content-Length: {len(body)}\r\n\r\n{body}")
enddef
