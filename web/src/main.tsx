// Where the page starts.
//
// Promises: the colours are set before anything is seen.
// Must never: hold anything that a part of the page could hold.

import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./app"
import { Fault } from "./fault"
import { applyLook, storedLook } from "./look"
import { settle } from "./place"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/start.css"
import "./styles/project.css"
import "./styles/editor.css"
import "./styles/panels.css"

applyLook(storedLook())
settle()
createRoot(document.getElementById("page")!).render(<StrictMode><Fault><App /></Fault></StrictMode>)
