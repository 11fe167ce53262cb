;;; ai-gateway.el --- Ask Copilot, a cloud model or Ollama, whoever answers  -*- lexical-binding: t; -*-

;; Copyright (c) 2026 The AI Gateway authors
;; SPDX-License-Identifier: MIT

;; Author: The AI Gateway authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, convenience

;;; Commentary:

;; AI Gateway is a language server that passes questions on to GitHub Copilot, a cloud model or the local Ollama, and
;; always tells who answered.  Eglot can run it, but Eglot knows one server per buffer, and shows no answer while it
;; comes in.  This file talks to one gateway of its own, beside Eglot and whatever Eglot runs.
;;
;;   (require 'ai-gateway)
;;   (ai-gateway-mode)                                              ; the status in the mode line
;;   (global-set-key (kbd "C-c a") ai-gateway-command-map)
;;
;; Then C-c a a asks, C-c a r asks about the region, and C-c a e edits the region or what is at point.
;;
;; Nothing here waits for an answer: the server is started, asked and listened to in the background.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'url-util)

(declare-function flymake-diagnostics "flymake" (&optional beg end))
(declare-function flymake-diagnostic-beg "flymake" (diag))
(declare-function flymake-diagnostic-end "flymake" (diag))
(declare-function flymake-diagnostic-text "flymake" (diag))
(declare-function flymake-diagnostic-type "flymake" (diag))

(defgroup ai-gateway nil
  "Answers from GitHub Copilot, a cloud model or Ollama."
  :group 'tools
  :prefix "ai-gateway-")

(defcustom ai-gateway-command '("ai-gateway" "--stdio")
  "Command line of the server."
  :type '(repeat string)
  :risky t)

(defcustom ai-gateway-settings nil
  "Settings of the server, as a property list that becomes JSON.
For example (:order [\"copilot\" \"local\"] :local (:model \"qwen3:8b\"))."
  :type 'sexp
  :risky t)

;;; The connection

(defvar ai-gateway--process nil
  "The server's process, or nil.")
(defvar ai-gateway--status nil
  "The last `ai/status' of the server, or nil.")
(defvar ai-gateway--work nil
  "What the server works on, newest first: a list of (TOKEN TITLE MESSAGE).")
(defvar ai-gateway--last-id 0
  "The last number that was given to anything.")

(defconst ai-gateway--capabilities
  '(:general (:positionEncodings ["utf-16"])
    :window (:workDoneProgress t :showDocument (:support t))
    :workspace (:applyEdit t :workspaceEdit (:documentChanges t :resourceOperations ["create"]
                                             :failureHandling "abort" :changeAnnotationSupport nil))
    :textDocument (:codeAction (:disabledSupport t :codeActionLiteralSupport (:codeActionKind (:valueSet []))))
    :experimental (:aiGateway (:input t)))
  "What this client can do, in the words of LSP.")

(defun ai-gateway--start ()
  "Return the process of the server; start it if there is none."
  (unless (process-live-p ai-gateway--process)
    (unless (json-available-p)
      (user-error "This Emacs was built without JSON, which AI Gateway speaks"))
    (unless (executable-find (car ai-gateway-command))
      (user-error "Emacs finds no `%s'; install AI Gateway, or set `ai-gateway-command'" (car ai-gateway-command)))
    (setq ai-gateway--process (ai-gateway--make-process))
    (add-hook 'kill-emacs-hook #'ai-gateway-stop)
    (ai-gateway--initialize ai-gateway--process))
  ai-gateway--process)

(defun ai-gateway--make-process ()
  "Start a server, and return its process."
  (let* ((default-directory (expand-file-name "~/"))
         (process-adaptive-read-buffering nil)
         (process (make-process :name "ai-gateway" :command ai-gateway-command :coding 'binary
                                :connection-type 'pipe :noquery t
                                :buffer (generate-new-buffer " *ai-gateway*" t)
                                :stderr (get-buffer-create "*ai-gateway log*")
                                :filter #'ai-gateway--read :sentinel #'ai-gateway--ended)))
    (with-current-buffer (process-buffer process)
      (set-buffer-multibyte nil))
    (process-put process 'callbacks (make-hash-table))
    (process-put process 'streams (make-hash-table :test #'equal))
    process))

(defun ai-gateway--initialize (process)
  "Shake hands with PROCESS; what is sent meanwhile waits."
  (ai-gateway--request
   "initialize"
   `(:processId ,(emacs-pid) :clientInfo (:name "Emacs" :version ,emacs-version) :rootUri :null
     :capabilities ,ai-gateway--capabilities :initializationOptions ,ai-gateway-settings)
   (lambda (_result failure)
     (if failure
         (message "AI Gateway did not start: %s" (ai-gateway--get failure :message))
       (process-put process 'ready t)
       (ai-gateway--send process :method "initialized" :params nil)
       (dolist (message (reverse (process-get process 'waiting)))
         (apply #'ai-gateway--send process message))))))

(defun ai-gateway--send (process &rest message)
  "Send MESSAGE, a property list, to PROCESS as soon as it has been initialized."
  (if (or (process-get process 'ready) (equal (ai-gateway--get message :method) "initialize"))
      (let ((body (encode-coding-string (json-serialize `(:jsonrpc "2.0" ,@message)) 'utf-8-unix)))
        (process-send-string process (concat (format "Content-Length: %d\r\n\r\n" (length body)) body)))
    (push message (process-get process 'waiting))))

(defun ai-gateway--request (method params callback)
  "Send the request METHOD with PARAMS, and return its id.
CALLBACK is called with the result, or with nil and the error."
  (let ((process (ai-gateway--start))
        (id (cl-incf ai-gateway--last-id)))
    (puthash id callback (process-get process 'callbacks))
    (apply #'ai-gateway--send process :id id :method method (and params (list :params params)))
    id))

(defun ai-gateway--call (method params)
  "Send the request METHOD with PARAMS, and wait for its result.
Only for requests that are answered at once."
  (let* ((outcome nil)
         (id (ai-gateway--request method params (lambda (&rest arguments) (setq outcome arguments)))))
    (unwind-protect
        (while (not outcome)
          (accept-process-output ai-gateway--process 1))
      (unless outcome
        (ai-gateway--cancel-request id)))
    (when (cadr outcome)
      (user-error "AI Gateway: %s" (ai-gateway--told (cadr outcome))))
    (car outcome)))

(defun ai-gateway--cancel-request (id)
  "Tell the server that nobody waits for the request ID any more."
  (when (process-live-p ai-gateway--process)
    (ai-gateway--send ai-gateway--process :method "$/cancelRequest" :params `(:id ,id))))

(defun ai-gateway--told (failure)
  "Return FAILURE, the error of a reply, in words."
  (string-join (delq nil (list (ai-gateway--get failure :message) (ai-gateway--get failure :data :hint))) "\n"))

(defun ai-gateway--read (process bytes)
  "Take in BYTES that PROCESS has written."
  (when (buffer-live-p (process-buffer process))
    (with-current-buffer (process-buffer process)
      (goto-char (point-max))
      (insert bytes))
    (let (message)
      (while (setq message (ai-gateway--next-message (process-buffer process)))
        (with-demoted-errors "AI Gateway: %S"
          (ai-gateway--take process message))))))

(defun ai-gateway--next-message (buffer)
  "Take the first message out of BUFFER; nil if there is no whole one."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (goto-char (point-min))
      (when (re-search-forward "\\`Content-Length: \\([0-9]+\\)\r\n\\(?:.+\r\n\\)*\r\n" nil t)
        (let ((end (+ (point) (string-to-number (match-string 1)))))
          (when (<= end (point-max))
            (let ((body (decode-coding-string (buffer-substring (point) end) 'utf-8-unix)))
              (delete-region (point-min) end)
              (json-parse-string body :object-type 'plist))))))))

(defun ai-gateway--get (object &rest keys)
  "Return what is at the path of KEYS in OBJECT, a parsed JSON value.
An array comes as a list; null and false as nil."
  (dolist (key keys)
    (setq object (and (listp object) (plist-get object key))))
  (cond ((memq object '(:null :false)) nil)
        ((vectorp object) (append object nil))
        (t object)))

(defun ai-gateway--take (process message)
  "Deal with MESSAGE of PROCESS."
  (let ((id (ai-gateway--get message :id))
        (method (ai-gateway--get message :method))
        (params (ai-gateway--get message :params)))
    (cond ((not method) (ai-gateway--take-reply process message))
          ((not id) (ai-gateway--take-notification process method params))
          ((equal method "window/workDoneProgress/create") (ai-gateway--send process :id id :result :null))
          (t (run-at-time 0 nil #'ai-gateway--answer process id method params)))))

(defun ai-gateway--take-reply (process message)
  "Give MESSAGE, a reply of PROCESS, to whoever waits for it."
  (let* ((callbacks (process-get process 'callbacks))
         (callback (gethash (ai-gateway--get message :id) callbacks)))
    (remhash (ai-gateway--get message :id) callbacks)
    (when callback
      (funcall callback (ai-gateway--get message :result) (ai-gateway--get message :error)))))

(defun ai-gateway--ended (process _change)
  "Tell all who wait for PROCESS that it has ended, if it has."
  (unless (process-live-p process)
    (when (eq process ai-gateway--process)
      (setq ai-gateway--process nil ai-gateway--status nil ai-gateway--work nil)
      (force-mode-line-update t))
    (when (buffer-live-p (process-buffer process))
      (kill-buffer (process-buffer process)))
    (maphash (lambda (_id callback)
               (funcall callback nil '(:message "the server has ended; the buffer *ai-gateway log* may say why")))
             (process-get process 'callbacks))))

(defun ai-gateway-stop ()
  "Stop the server.  It comes back with the next question."
  (interactive)
  (when (process-live-p ai-gateway--process)
    (let* ((process ai-gateway--process)
           (limit (+ (float-time) 3))
           (waiting t))
      (ai-gateway--request "shutdown" nil (lambda (&rest _) (setq waiting nil)))
      (while (and waiting (process-live-p process) (< (float-time) limit))
        (accept-process-output process 0.1))
      (when (process-live-p process)
        (ai-gateway--send process :method "exit")
        (while (and (process-live-p process) (< (float-time) limit))
          (accept-process-output process 0.1))
        (delete-process process)))))

;;; What the server tells

(defun ai-gateway--take-notification (process method params)
  "Deal with the notification METHOD of PROCESS, and its PARAMS."
  (pcase method
    ("ai/status" (setq ai-gateway--status params))
    ("window/showMessage" (message "%s" (ai-gateway--get params :message)))
    ("$/progress"
     (let* ((token (ai-gateway--get params :token))
            (stream (gethash token (process-get process 'streams))))
       (funcall (or stream (apply-partially #'ai-gateway--take-work token)) (ai-gateway--get params :value)))))
  (unless (equal method "window/logMessage")
    (force-mode-line-update t)))

(defun ai-gateway--take-work (token value)
  "Note VALUE, the progress of the work known as TOKEN."
  (let ((known (assoc token ai-gateway--work)))
    (setq ai-gateway--work (delq known ai-gateway--work))
    (unless (equal (ai-gateway--get value :kind) "end")
      (push (list token
                  (string-remove-prefix "AI Gateway: " (or (ai-gateway--get value :title) (nth 1 known) "working"))
                  (or (ai-gateway--get value :message) (nth 2 known)))
            ai-gateway--work))))

(defun ai-gateway--mode-line ()
  "Return the status of the server for the mode line."
  (let ((status (ai-gateway--state))
        (work (car ai-gateway--work)))
    (propertize
     (replace-regexp-in-string
      "%" "%%" (string-join `(" AI:" ,status ,@(and work `(" [" ,(string-join (delq nil (cdr work)) ": ") "]")))))
     'face (pcase status ("down" 'error) ("degraded" 'warning))
     'help-echo (concat (ai-gateway--providers ai-gateway--status) "\nmouse-1: more")
     'mouse-face 'mode-line-highlight
     'local-map (let ((map (make-sparse-keymap)))
                  (define-key map [mode-line mouse-1] #'ai-gateway-health)
                  map))))

(defun ai-gateway--state ()
  "Return how the gateway is, in a word."
  (or (ai-gateway--get ai-gateway--status :status)
      (if (process-live-p ai-gateway--process) "starting" "off")))

(defun ai-gateway--now (provider)
  "Return in words how PROVIDER, of a result of `ai/health', is."
  (or (ai-gateway--get provider :reason)
      (and (eq (plist-get provider :reachable) :false) "can't be reached")
      (let ((state (ai-gateway--get provider :state)))
        (if (equal state "closed") "ready" state))))

(defun ai-gateway--providers (health)
  "Return a line for each provider of HEALTH, a result of `ai/health'."
  (mapconcat (lambda (provider)
               (string-join (delq nil (list (ai-gateway--get provider :name) (ai-gateway--now provider)
                                            (ai-gateway--get provider :hint)))
                            " · "))
             (ai-gateway--get health :providers) "\n"))

;;;###autoload
(define-minor-mode ai-gateway-mode
  "Run AI Gateway, and show in the mode line how it is."
  :global t
  (let* ((segment '(:eval (ai-gateway--mode-line)))
         (others (remove segment (or (ensure-list global-mode-string) '("")))))
    (setq global-mode-string (if ai-gateway-mode (append others (list segment)) others)))
  (if ai-gateway-mode (ai-gateway--start) (ai-gateway-stop)))

;;; What the server asks

(defconst ai-gateway--answers
  '(("workspace/applyEdit" . ai-gateway--apply-edit)
    ("window/showDocument" . ai-gateway--show-document)
    ("window/showMessageRequest" . ai-gateway--choose)
    ("ai/editor/input" . ai-gateway--input))
  "Which function answers which request of the server.
It gets the parameters, and a function to call with the result, now or later.")

(defun ai-gateway--answer (process id method params)
  "Answer the request METHOD of PROCESS, known as ID, with PARAMS.
It waits until the person has left the minibuffer."
  (if (> (minibuffer-depth) 0)
      (run-at-time 0.2 nil #'ai-gateway--answer process id method params)
    (let ((function (alist-get method ai-gateway--answers nil nil #'equal))
          (inhibit-quit nil))
      (condition-case failure
          (if function
              (funcall function params (apply-partially #'ai-gateway--reply process id :result))
            (ai-gateway--reply process id :error `(:code -32601 :message ,(format "Emacs does not know %s" method))))
        (error
         (ai-gateway--reply process id :error `(:code -32803 :message ,(error-message-string failure))))))))

(defun ai-gateway--reply (process id kind value)
  "Reply VALUE to PROCESS, whose request is known as ID; KIND is :result or :error."
  (when (process-live-p process)
    (ai-gateway--send process :id id kind value)))

(defmacro ai-gateway--unless-quit (&rest body)
  "Return the value of BODY; nil if the person quits."
  (declare (indent 0) (debug t))
  `(condition-case nil (progn ,@body) (quit nil)))

(defun ai-gateway--choose (params reply)
  "Let the person choose among the actions of PARAMS; REPLY gets the choice."
  (let* ((actions (ai-gateway--get params :actions))
         (prompt (concat (ai-gateway--get params :message) " "))
         (title (ai-gateway--unless-quit
                  (completing-read prompt (mapcar (lambda (action) (ai-gateway--get action :title)) actions) nil t))))
    (funcall reply (or (cl-find title actions :key (lambda (action) (ai-gateway--get action :title)) :test #'equal)
                       :null))))

(defun ai-gateway--input (params reply)
  "Let the person enter a text, as PARAMS ask, and call REPLY with it."
  (let* ((prompt (concat (ai-gateway--get params :title) " "))
         (text (ai-gateway--unless-quit (read-string prompt))))
    (funcall reply (list :text (or text :null)))))

(defun ai-gateway--show-document (params reply)
  "Show the document that PARAMS name, and call REPLY when it is shown.
What a model wrote may set no variables here."
  (let ((uri (ai-gateway--get params :uri))
        (enable-local-variables nil)
        (enable-local-eval nil))
    (cond ((ai-gateway--get params :external) (browse-url uri))
          ((string-prefix-p "file:" uri)
           (let ((buffer (find-file-noselect (ai-gateway--path uri)))
                 (start (ai-gateway--get params :selection :start)))
             (with-current-buffer buffer
               (goto-char (if start (ai-gateway--point start) (point-min))))
             (if (ai-gateway--get params :takeFocus) (pop-to-buffer buffer) (display-buffer buffer))))
          (t (error "Emacs can not show %s" uri)))
    (funcall reply '(:success t))))

;;; Documents

(cl-defstruct ai-gateway--document
  "A buffer as the server knows it: TICK tells when it was shared."
  process uri version tick)

(defvar-local ai-gateway--document nil
  "What the server knows of this buffer, or nil.")

(defun ai-gateway--share ()
  "Let the server know this buffer as it is now, and return its URI."
  (let ((process (ai-gateway--start))
        (uri (ai-gateway--uri)))
    (unless (and ai-gateway--document
                 (eq process (ai-gateway--document-process ai-gateway--document))
                 (equal uri (ai-gateway--document-uri ai-gateway--document)))
      (ai-gateway--close)
      (setq ai-gateway--document (make-ai-gateway--document :process process :uri uri :version 0))
      (add-hook 'kill-buffer-hook #'ai-gateway--close nil t)
      (add-hook 'change-major-mode-hook #'ai-gateway--close nil t))
    (unless (ai-gateway--fresh-p)
      (ai-gateway--send-text process uri (cl-incf (ai-gateway--document-version ai-gateway--document)))
      (setf (ai-gateway--document-tick ai-gateway--document) (buffer-chars-modified-tick)))
    uri))

(defun ai-gateway--send-text (process uri version)
  "Send the text of this buffer to PROCESS as VERSION of URI."
  (let ((text (ai-gateway--text (save-restriction (widen) (buffer-substring-no-properties (point-min) (point-max))))))
    (if (= version 1)
        (ai-gateway--send process :method "textDocument/didOpen"
                          :params `(:textDocument (:uri ,uri :languageId ,(ai-gateway--language) :version ,version
                                                   :text ,text)))
      (ai-gateway--send process :method "textDocument/didChange"
                        :params `(:textDocument (:uri ,uri :version ,version) :contentChanges [(:text ,text)])))))

(defun ai-gateway--close ()
  "Let the server forget this buffer."
  (when ai-gateway--document
    (let ((process (ai-gateway--document-process ai-gateway--document)))
      (when (process-live-p process)
        (ai-gateway--send process :method "textDocument/didClose"
                          :params `(:textDocument (:uri ,(ai-gateway--document-uri ai-gateway--document))))))
    (setq ai-gateway--document nil)))

(defun ai-gateway--fresh-p ()
  "Return non-nil if this buffer is as the server knows it."
  (eql (ai-gateway--document-tick ai-gateway--document) (buffer-chars-modified-tick)))

(defun ai-gateway--text (string)
  "Return STRING with each character that is not Unicode replaced.
JSON has no place for them."
  (replace-regexp-in-string "[^\0-\ud7ff\ue000-\U0010ffff]" "\ufffd" string))

(defun ai-gateway--uri ()
  "Return the URI of this buffer."
  (if (and buffer-file-name (not (file-remote-p buffer-file-name)))
      (concat "file://" (unless (string-prefix-p "/" buffer-file-name) "/")
              (url-hexify-string (encode-coding-string buffer-file-name 'utf-8) url-path-allowed-chars))
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defun ai-gateway--path (uri)
  "Return the name of the file that URI stands for."
  (let ((path (decode-coding-string (url-unhex-string (string-remove-prefix "file://" uri)) 'utf-8)))
    (if (string-match-p "\\`/[a-zA-Z]:" path) (substring path 1) path)))

(defun ai-gateway--buffer (uri)
  "Return the buffer that URI stands for; visit the file if no buffer does."
  (or (cl-find-if (lambda (buffer)
                    (let ((document (buffer-local-value 'ai-gateway--document buffer)))
                      (and document (equal uri (ai-gateway--document-uri document)))))
                  (buffer-list))
      (if (string-prefix-p "file:" uri)
          (let ((enable-local-variables nil))
            (find-file-noselect (ai-gateway--path uri)))
        (error "No buffer is %s" uri))))

(defconst ai-gateway--languages
  '(("c++" . "cpp") ("sh" . "shellscript") ("bash" . "shellscript") ("js" . "javascript") ("js2" . "javascript")
    ("tsx" . "typescriptreact") ("emacs-lisp" . "elisp") ("lisp-interaction" . "elisp") ("text" . "plaintext")
    ("fundamental" . "plaintext") ("gfm" . "markdown") ("mhtml" . "html") ("cperl" . "perl"))
  "What LSP calls the languages whose modes are called otherwise.")

(defun ai-gateway--language ()
  "Return the language of this buffer, in the words of LSP."
  (let ((name (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (alist-get name ai-gateway--languages name nil #'equal)))

;;; Positions: LSP counts columns in UTF-16, and ends lines at a bare carriage return, too

(defconst ai-gateway--line-end "\r\n\\|[\r\n]")

(defun ai-gateway--units (char)
  "Return how many units CHAR has in UTF-16; what is not Unicode is sent as one."
  (if (<= #x10000 char #x10ffff) 2 1))

(defun ai-gateway--position (point)
  "Return POINT as a position of LSP's."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (let ((line 0)
            (start (point)))
        (while (re-search-forward ai-gateway--line-end point t)
          (setq line (1+ line) start (point)))
        (list :line line
              :character (cl-reduce #'+ (buffer-substring-no-properties start point) :key #'ai-gateway--units))))))

(defun ai-gateway--range (beg end)
  "Return what is between BEG and END as a range of LSP's."
  (list :start (ai-gateway--position beg) :end (ai-gateway--position end)))

(defun ai-gateway--point (position)
  "Return where POSITION, one of LSP's, is in this buffer."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (let ((line (ai-gateway--get position :line))
            (units (ai-gateway--get position :character)))
        (when (> line 0)
          (re-search-forward ai-gateway--line-end nil 'move line))
        (while (and (> units 0) (not (memq (char-after) '(nil ?\r ?\n))))
          (setq units (- units (ai-gateway--units (char-after))))
          (forward-char)))
      (point))))

;;; Edits

(cl-defstruct ai-gateway--change
  "What is to become of a buffer: EDITS, a list of (BEG END TEXT).
They go from the last one to the first, and are for the text that it had at TICK."
  buffer version edits tick)

(defun ai-gateway--apply-edit (params reply)
  "Apply the edit of PARAMS as a whole or not at all.
REPLY is called with what has become of it."
  (let* ((edit (ai-gateway--get params :edit))
         (refusal (ai-gateway--obstacle edit))
         (wanted (unless refusal (ai-gateway--changes edit))))
    (cl-flet ((finish (agreed)
                (let ((refusal (or refusal (ai-gateway--refusal wanted) (and (not agreed) "refused"))))
                  (unless refusal
                    (condition-case failure
                        (mapc #'ai-gateway--apply wanted)
                      (error (setq refusal (error-message-string failure)))))
                  (funcall reply (if refusal (list :applied :false :failureReason refusal) '(:applied t))))))
      (if (or refusal (ai-gateway--refusal wanted) (not (ai-gateway--needs-confirmation-p edit)))
          (finish t)
        (ai-gateway--propose wanted edit (ai-gateway--get params :label) #'finish)))))

(defun ai-gateway--obstacle (edit)
  "Return why the files that EDIT, a WorkspaceEdit, asks for can not be, or nil."
  (cl-loop for change in (ai-gateway--get edit :documentChanges)
           for path = (and (equal (ai-gateway--get change :kind) "create")
                           (ai-gateway--path (ai-gateway--get change :uri)))
           when (and path (or (file-exists-p path) (find-buffer-visiting path)))
           return (format "%s exists already" path)))

(defun ai-gateway--changes (edit)
  "Return what EDIT, a WorkspaceEdit, wants, as a list."
  (if (plist-member edit :documentChanges)
      (cl-loop for change in (ai-gateway--get edit :documentChanges)
               for uri = (ai-gateway--get change :textDocument :uri)
               when uri collect (ai-gateway--change uri (ai-gateway--get change :textDocument :version)
                                                    (ai-gateway--get change :edits)))
    (cl-loop for (uri edits) on (ai-gateway--get edit :changes) by #'cddr
             collect (ai-gateway--change (substring (symbol-name uri) 1) nil (ai-gateway--get edits)))))

(defun ai-gateway--change (uri version edits)
  "Return the change that EDITS mean to VERSION of URI."
  (with-current-buffer (ai-gateway--buffer uri)
    (make-ai-gateway--change
     :buffer (current-buffer)
     :version version
     :tick (buffer-chars-modified-tick)
     :edits (sort (mapcar (lambda (edit)
                            (list (ai-gateway--point (ai-gateway--get edit :range :start))
                                  (ai-gateway--point (ai-gateway--get edit :range :end))
                                  (ai-gateway--get edit :newText)))
                          edits)
                  (lambda (one other) (> (car one) (car other)))))))

(defun ai-gateway--refusal (wanted)
  "Return why no one may apply WANTED, or nil."
  (cl-some (lambda (change)
             (if (buffer-live-p (ai-gateway--change-buffer change))
                 (with-current-buffer (ai-gateway--change-buffer change)
                   (cond (buffer-read-only (format "%s is read-only" (buffer-name)))
                         ((ai-gateway--late-p change) (format "%s has changed meanwhile" (buffer-name)))))
               "the buffer was killed"))
           wanted))

(defun ai-gateway--late-p (change)
  "Return non-nil if CHANGE is for another text than this buffer has."
  (or (not (eql (ai-gateway--change-tick change) (buffer-chars-modified-tick)))
      (if ai-gateway--document
          (not (and (ai-gateway--fresh-p)
                    (memq (ai-gateway--change-version change)
                          (list nil (ai-gateway--document-version ai-gateway--document)))))
        (or (ai-gateway--change-version change) (buffer-modified-p)))))

(defun ai-gateway--apply (change)
  "Apply CHANGE, as one step of undo, and show the buffer if nobody sees it."
  (with-current-buffer (ai-gateway--change-buffer change)
    (save-restriction
      (widen)
      (undo-boundary)
      (let ((group (prepare-change-group)))
        (atomic-change-group
          (pcase-dolist (`(,beg ,end ,text) (ai-gateway--change-edits change))
            (replace-region-contents beg end (lambda () text) 0.5)))
        (undo-amalgamate-change-group group)))
    (when ai-gateway--document
      (ai-gateway--share))
    (unless (get-buffer-window nil t)
      (display-buffer (current-buffer)))))

(defun ai-gateway--needs-confirmation-p (edit)
  "Return non-nil if a person has to agree to EDIT, a WorkspaceEdit."
  (cl-loop for (_id annotation) on (ai-gateway--get edit :changeAnnotations) by #'cddr
           thereis (ai-gateway--get annotation :needsConfirmation)))

(defvar-local ai-gateway--decide nil
  "Called with whether the person agrees to what this buffer shows.
Nil as soon as that is known.")

(defvar ai-gateway-changes-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'ai-gateway-apply)
    (define-key map (kbd "C-c C-k") #'ai-gateway-discard)
    map)
  "Keys of `ai-gateway-changes-mode'.")

(define-derived-mode ai-gateway-changes-mode diff-mode "Changes"
  "What is to be edited, until the person has agreed to it, or has not.
Killing the buffer is to discard it."
  (setq buffer-read-only t
        header-line-format (substitute-command-keys
                            "\\[ai-gateway-apply] applies these changes, \\[ai-gateway-discard] discards them"))
  (add-hook 'kill-buffer-hook (lambda () (ai-gateway--decided nil)) nil t))

(defun ai-gateway--propose (wanted edit label decide)
  "Show WANTED, which is EDIT known as LABEL, and let the person decide.
Nobody is asked who may be typing elsewhere: the keys for it are those of the
buffer.  DECIDE is called with whether the person agrees."
  (with-current-buffer (generate-new-buffer "*AI Gateway: changes*")
    (cl-loop for (_id annotation) on (ai-gateway--get edit :changeAnnotations) by #'cddr
             do (insert (or (ai-gateway--get annotation :description) "") "\n"))
    (mapc #'ai-gateway--insert-diff wanted)
    (goto-char (point-min))
    (ai-gateway-changes-mode)
    (setq ai-gateway--decide decide)
    (display-buffer (current-buffer))
    (message "%s: see %s" (or label "AI Gateway") (buffer-name))))

(defun ai-gateway--decided (agreed)
  "Tell whoever waits for it whether the person has AGREED."
  (when ai-gateway--decide
    (funcall (prog1 ai-gateway--decide (setq ai-gateway--decide nil)) agreed)))

(defun ai-gateway-apply ()
  "Make the edit of this buffer."
  (interactive)
  (ai-gateway--put-away t))

(defun ai-gateway-discard ()
  "Discard the edit of this buffer."
  (interactive)
  (ai-gateway--put-away nil))

(defun ai-gateway--put-away (agreed)
  "Kill this buffer, to which the person has AGREED or not."
  (let ((buffer (current-buffer)))
    (unwind-protect
        (ai-gateway--decided agreed)
      (quit-windows-on buffer t))))

(defun ai-gateway--insert-diff (change)
  "Insert lines of CHANGE: those that go, and those that come."
  (let ((buffer (ai-gateway--change-buffer change)))
    (insert (format "--- %s\n+++ %s\n" (buffer-name buffer) (buffer-name buffer)))
    (pcase-dolist (`(,beg ,end ,text) (reverse (ai-gateway--change-edits change)))
      (let* ((line (with-current-buffer buffer (1+ (ai-gateway--get (ai-gateway--position beg) :line))))
             (old (ai-gateway--lines (with-current-buffer buffer (buffer-substring-no-properties beg end))))
             (new (ai-gateway--lines text)))
        (insert (format "@@ -%d,%d +%d,%d @@\n" line (length old) line (length new)))
        (dolist (old-line old) (insert "-" old-line "\n"))
        (dolist (new-line new) (insert "+" new-line "\n"))))))

(defun ai-gateway--lines (text)
  "Return the lines of TEXT."
  (and (not (string-empty-p text)) (split-string (string-remove-suffix "\n" text) "\n")))

;;; Answers

(defvar-local ai-gateway--running nil
  "The id of the request that this buffer shows the answer to, while there is none.")
(defvar-local ai-gateway--asked-at nil
  "When this question was asked, in seconds.")
(defvar-local ai-gateway--timer nil
  "Keeps the elapsed seconds in the mode line.")
(defvar-local ai-gateway--teller nil
  "Who answers.")
(defvar-local ai-gateway--start-of-answer nil
  "Where the answer begins in this buffer.")
(defvar-local ai-gateway--query-id nil
  "The id that the server has given to the query of this buffer.")

(defvar ai-gateway-answer-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-k") #'ai-gateway-cancel)
    (define-key map "e" #'ai-gateway-explain)
    map)
  "Keys of `ai-gateway-answer-mode'.")

(define-derived-mode ai-gateway-answer-mode special-mode "Answer"
  "A question and its answer, while it comes in.
Killing the buffer cancels the question."
  (setq mode-line-process '(:eval (ai-gateway--progress)))
  (setq font-lock-defaults
        '((("^#+ .*" . 'font-lock-function-name-face)
           ("^ *\\(?:```\\|~~~\\).*" . 'font-lock-comment-face)
           ("`[^`\n]+`" . 'font-lock-constant-face)
           ("\\*\\*[^*\n]+\\*\\*" . 'bold))
          t))
  (visual-line-mode)
  (add-hook 'kill-buffer-hook #'ai-gateway--leave nil t))

(defun ai-gateway--progress ()
  "Return how far the answer of this buffer is, for its mode line."
  (when ai-gateway--running
    (format ": %s, %d s" (or ai-gateway--teller "asking") (- (float-time) ai-gateway--asked-at))))

(defun ai-gateway--leave ()
  "Cancel what this buffer waits for."
  (when ai-gateway--timer
    (cancel-timer ai-gateway--timer))
  (when ai-gateway--running
    (ai-gateway--cancel-request ai-gateway--running)))

(defun ai-gateway--ask (question &rest params)
  "Ask QUESTION with further PARAMS, and show the answer while it comes in."
  (let* ((process (ai-gateway--start))
         (line (string-join (split-string question) " "))
         (buffer (generate-new-buffer (format "*AI: %s*" (truncate-string-to-width line 40 nil nil t))))
         (token (format "answer-%d" (cl-incf ai-gateway--last-id))))
    (with-current-buffer buffer
      (ai-gateway-answer-mode)
      (let ((inhibit-read-only t))
        (insert "# " (string-trim question) "\n\n"))
      (setq ai-gateway--start-of-answer (point)
            ai-gateway--asked-at (float-time)
            ai-gateway--timer (run-with-timer 1 1 #'force-mode-line-update t))
      (goto-char (point-min))
      (puthash token (apply-partially #'ai-gateway--take-piece buffer) (process-get process 'streams))
      (setq ai-gateway--running
            (ai-gateway--request "ai/query" `(:prompt ,(ai-gateway--text question) :partialResultToken ,token ,@params)
                                 (lambda (result failure)
                                   (remhash token (process-get process 'streams))
                                   (ai-gateway--finish buffer result failure)))))
    (pop-to-buffer buffer)))

(defun ai-gateway--take-piece (buffer value)
  "Show VALUE, a piece of an answer, in BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (pcase (ai-gateway--get value :kind)
        ("started" (setq ai-gateway--teller (or (ai-gateway--get value :model) (ai-gateway--get value :provider))))
        ("delta" (ai-gateway--insert (ai-gateway--get value :text)))
        ("reset" (setq ai-gateway--teller nil)
                 (ai-gateway--retract))))))

(defun ai-gateway--insert (text)
  "Insert TEXT at the end of the answer; who stands there stays at the end."
  (let ((inhibit-read-only t))
    (save-excursion
      (goto-char (point-max))
      (insert-before-markers text))))

(defun ai-gateway--retract ()
  "Take the answer back as far as it has come."
  (let ((inhibit-read-only t))
    (delete-region ai-gateway--start-of-answer (point-max))))

(defun ai-gateway--finish (buffer result failure)
  "Show in BUFFER how the question ended: with RESULT, or with FAILURE."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (cancel-timer ai-gateway--timer)
      (setq ai-gateway--running nil
            ai-gateway--query-id (ai-gateway--get result :query_id))
      (unless (or failure (equal (ai-gateway--get result :response)
                                 (buffer-substring-no-properties ai-gateway--start-of-answer (point-max))))
        (ai-gateway--retract)
        (ai-gateway--insert (ai-gateway--get result :response)))
      (ai-gateway--insert
       (format "\n\n---\n%s\n" (if failure
                                    (string-replace "; " "\n" (ai-gateway--told failure))
                                  (ai-gateway--provenance result))))
      (force-mode-line-update))))

(defun ai-gateway--provenance (result)
  "Return who gave RESULT, of `ai/query', and which files were kept from them."
  (string-join
   (cons (ai-gateway--get result :byline)
                   (mapcar (lambda (file)
                             (format "left out: %s (%s)" (ai-gateway--get file :path) (ai-gateway--get file :reason)))
                           (ai-gateway--get result :left_out)))
   "\n"))

;;; Commands

;;;###autoload
(defun ai-gateway-ask (question &optional private)
  "Ask QUESTION.
With a prefix argument it is PRIVATE: only local models get to see it."
  (interactive (list (read-string "Ask: ") current-prefix-arg))
  (apply #'ai-gateway--ask question (and private '(:private t))))

;;;###autoload
(defun ai-gateway-ask-region (question beg end &optional private)
  "Ask QUESTION about the text between BEG and END.
With a prefix argument it is PRIVATE: only local models get to see it."
  (interactive
   (if (use-region-p)
       (list (read-string "Ask about the region: ") (region-beginning) (region-end) current-prefix-arg)
     (user-error "There is no region")))
  (let ((piece `(:text ,(ai-gateway--text (buffer-substring-no-properties beg end))
                 :language_id ,(ai-gateway--language)
                 ,@(and buffer-file-name (list :path buffer-file-name :uri (ai-gateway--uri))))))
    (apply #'ai-gateway--ask question :context (vector piece) (and private '(:private t)))))

;;;###autoload
(defun ai-gateway-act (beg end)
  "Choose what to do with the text between BEG and END, or around point.
It can be explained, mended, documented, tested and more."
  (interactive (if (use-region-p) (list (region-beginning) (region-end)) (list (point) (point))))
  (let* ((uri (ai-gateway--share))
         (actions (ai-gateway--get
                   (ai-gateway--call "textDocument/codeAction"
                                     `(:textDocument (:uri ,uri) :range ,(ai-gateway--range beg end)
                                       :context (:diagnostics ,(ai-gateway--diagnostics beg end))))))
         (titles (mapcar #'ai-gateway--title (or actions (user-error "There is nothing to be done here"))))
         (title (completing-read "Do: " titles nil t)))
    (ai-gateway--share) ; the server refuses what it has offered for another version
    (ai-gateway--perform (nth (or (cl-position title titles :test #'equal) 0) actions))))

(defun ai-gateway--title (action)
  "Return the title of ACTION, a code action."
  (concat (ai-gateway--get action :title) (and (ai-gateway--get action :disabled) " (not here)")))

(defun ai-gateway--perform (action)
  "Perform ACTION, a code action."
  (let ((reason (ai-gateway--get action :disabled :reason))
        (edit (ai-gateway--get action :edit))
        (command (ai-gateway--get action :command)))
    (cond (reason (user-error "%s" reason))
          (edit (ai-gateway--apply-edit `(:edit ,edit :label ,(ai-gateway--get action :title))
                                        (lambda (_) (when command (ai-gateway--execute command)))))
          (command (ai-gateway--execute command))
          (t (ai-gateway--tell "codeAction/resolve" action #'ai-gateway--perform)))))

(defun ai-gateway--execute (command)
  "Let the server execute COMMAND, that of a code action."
  (ai-gateway--tell "workspace/executeCommand"
                    `(:command ,(ai-gateway--get command :command)
                      :arguments ,(vconcat (ai-gateway--get command :arguments)))
                    #'ignore))

(defconst ai-gateway--commands
  '("signIn" "draftCommitMessage" "draftPullRequest" "stop")
  "What the server does and no other command here.")

(defun ai-gateway--diagnostics (beg end)
  "Return what Flymake has found between BEG and END, as LSP has it."
  (vconcat
   (when (bound-and-true-p flymake-mode)
     (mapcar (lambda (found)
               (list :range (ai-gateway--range (flymake-diagnostic-beg found) (flymake-diagnostic-end found))
                     :severity (let ((type (symbol-name (flymake-diagnostic-type found))))
                                 (cond ((string-search "error" type) 1) ((string-search "warning" type) 2) (t 3)))
                     :message (ai-gateway--text (flymake-diagnostic-text found))))
             (flymake-diagnostics beg (max end (min (1+ beg) (point-max))))))))

(defun ai-gateway--tell (method params then)
  "Send the request METHOD with PARAMS, and call THEN with the result.
If there is none, the person is told why."
  (ai-gateway--request method params
                       (lambda (result failure)
                         (if failure
                             (message "AI Gateway: %s" (ai-gateway--told failure))
                           (funcall then result)))))

(defun ai-gateway-cancel ()
  "Cancel the question of this buffer, or else everything that the server works on."
  (interactive)
  (cond (ai-gateway--running
         (ai-gateway--cancel-request ai-gateway--running))
        (ai-gateway--work
         (pcase-dolist (`(,token . ,_) ai-gateway--work)
           (ai-gateway--send ai-gateway--process :method "window/workDoneProgress/cancel" :params `(:token ,token))))
        (t (message "There is nothing to cancel"))))

;;;###autoload
(defun ai-gateway-explain ()
  "Show how the answer of this buffer, or else the last one, has come about."
  (interactive)
  (ai-gateway--tell "ai/explain" (and ai-gateway--query-id `(:query_id ,ai-gateway--query-id))
                    (lambda (result) (ai-gateway--show "explained" (ai-gateway--get result :page)))))

;;;###autoload
(defun ai-gateway-health ()
  "Show how the gateway and its providers are.
That takes a moment if one can not be reached."
  (interactive)
  (let ((buffer (ai-gateway--show "health" "looking …")))
    (ai-gateway--request "ai/health" '(:probe t)
                         (lambda (health failure)
                           (ai-gateway--fill buffer (if failure
                                                        (ai-gateway--told failure)
                                                      (ai-gateway--health-page health)))))))

(defun ai-gateway--health-page (health)
  "Return HEALTH, a result of `ai/health', in words."
  (format "AI Gateway is %s\n\n%s%s" (ai-gateway--get health :status) (ai-gateway--providers health)
          (mapconcat (apply-partially #'concat "\n\n") (ai-gateway--get health :problems) "")))

(defun ai-gateway--show (name text)
  "Show TEXT in a buffer called NAME, and return the buffer."
  (let ((buffer (get-buffer-create (format "*AI Gateway: %s*" name))))
    (with-current-buffer buffer
      (special-mode))
    (ai-gateway--fill buffer text)
    (pop-to-buffer buffer)))

(defun ai-gateway--fill (buffer text)
  "Let BUFFER, if it is still there, show TEXT and nothing else."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert text)
        (goto-char (point-min))))))

;;;###autoload
(defun ai-gateway-reset (&optional cache)
  "Ask all providers again, also those that have failed.
With a prefix argument forget the answers in the CACHE as well."
  (interactive "P")
  (ai-gateway--tell "ai/reset" (and cache '(:cache t))
                    (lambda (result)
                      (message "AI Gateway has reset: %s"
                               (string-join (or (ai-gateway--get result :reset) '("nothing")) ", ")))))

;;;###autoload
(defun ai-gateway-run (command)
  "Let the server run COMMAND, such as to sign in, or to draft a commit message."
  (interactive (list (completing-read "Run: " ai-gateway--commands nil t)))
  (ai-gateway--tell "workspace/executeCommand"
                    `(:command ,(concat "aiGateway." command)
                      :arguments ,(if (string-prefix-p "draft" command)
                                      (vector (list :folder (expand-file-name default-directory)))
                                    []))
                    #'ignore))

(defvar ai-gateway-command-map
  (let ((map (make-sparse-keymap)))
    (define-key map "a" #'ai-gateway-ask)
    (define-key map "r" #'ai-gateway-ask-region)
    (define-key map "e" #'ai-gateway-act)
    (define-key map "c" #'ai-gateway-run)
    (define-key map "k" #'ai-gateway-cancel)
    (define-key map "x" #'ai-gateway-explain)
    (define-key map "h" #'ai-gateway-health)
    (define-key map "R" #'ai-gateway-reset)
    map)
  "All commands, for a prefix key of your choice.")

(provide 'ai-gateway)
;;; ai-gateway.el ends here
